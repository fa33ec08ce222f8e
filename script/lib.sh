# Shared by the scripts beside it; to be sourced by bash. Sets ROOT, CACHE and the functions below.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything the scripts make outside the checkout: unpacked engines, their data, base images.
CACHE=${STACK_DEV_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stack-dev}
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian packages that are missing are installed, and named while that happens.
packages() {
  local missing=() package try
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  have apt-get || die "these are needed and this is no Debian: ${missing[*]}"
  is_root || die "these packages are needed; install them as root: apt-get install ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  for try in 1 2 3; do
    # A machine's clock may lag behind the mirror's; signatures are checked all the same.
    if apt-get -qq -o Acquire::Check-Date=false -o Acquire::Retries=3 update >/dev/null &&
      DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=180 --no-install-recommends \
        install "${missing[@]}" >/dev/null; then
      return 0
    fi
    sleep $((try * 5))
  done
  die "apt-get could not install: ${missing[*]}"
}

# The Rust toolchain and a linker.
toolchain() {
  local wanted=1.95 found=''
  [ ! -e "${CARGO_HOME:-$HOME/.cargo}/env" ] || . "${CARGO_HOME:-$HOME/.cargo}/env"
  have cc || packages gcc libc6-dev
  if have cargo; then found=$(cargo --version | cut -d' ' -f2 | cut -d. -f1,2); fi
  if [ -z "$found" ] || [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -1)" != "$wanted" ]; then
    have curl || packages curl ca-certificates
    say "installing Rust ${wanted} with rustup into ${CARGO_HOME:-$HOME/.cargo} (found: ${found:-none})"
    curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y -q --profile minimal -c rustfmt -c clippy ||
      die "rustup could not be had: install Rust $wanted or newer (https://rustup.rs) and start this again"
    . "${CARGO_HOME:-$HOME/.cargo}/env"
  fi
}

# Whether a Docker-compatible engine answers on a socket.
answers() { [ "$(curl -s -m 5 --unix-socket "$1" http://engine/_ping 2>/dev/null)" = OK ]; }

# The socket of an engine that runs already, in the order in which stack itself looks; nothing when there is none.
running_engine() {
  local socket
  case ${DOCKER_HOST:-} in
    unix://*) if answers "${DOCKER_HOST#unix://}"; then echo "${DOCKER_HOST#unix://}"; fi; return ;;
    ?*) return ;;
  esac
  for socket in /var/run/docker.sock "${XDG_RUNTIME_DIR:-/nonexistent}/docker.sock" "${HOME:-/root}/.docker/run/docker.sock" \
    /run/podman/podman.sock "${XDG_RUNTIME_DIR:-/nonexistent}/podman/podman.sock"; do
    if [ -S "$socket" ] && answers "$socket"; then echo "$socket"; return; fi
  done
}
