#!/bin/sh
# Runs once, before the API starts: `migrate` must exit with 0.
set -e
redis-cli -h cache SET visits 0
echo "migrated: the counter is at 0"
