//! `healthcheck` to the engine's health configuration.

use super::nanoseconds;
use crate::model::Healthcheck;
use bollard::models::HealthConfig;

pub(super) fn lower(check: &Healthcheck, api: u32) -> HealthConfig {
    let Healthcheck {
        test,
        timeout,
        interval,
        retries,
        start_period,
        start_interval,
        disable,
        extensions: _,
    } = check;
    if *disable {
        return HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() };
    }
    HealthConfig {
        test: super::said(test.clone()),
        interval: interval.map(nanoseconds),
        timeout: timeout.map(nanoseconds),
        retries: retries.map(|retries| i64::try_from(retries).unwrap_or(i64::MAX)),
        start_period: start_period.map(nanoseconds),
        // Older engines refuse the field; `support` says so.
        start_interval: start_interval.filter(|_| api >= 44).map(nanoseconds),
    }
}
