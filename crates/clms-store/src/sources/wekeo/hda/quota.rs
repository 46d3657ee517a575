//! What the broker says of its quotas.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Times before this many seconds are seconds, those behind are milliseconds: the broker's own client reads the latter, others the former.
const MOST_SECONDS: i64 = 100_000_000_000;

/// The longest that anybody waits for a quota before asking again; quotas are by the hour.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// How many calls there may be, if the broker says so.
pub(super) fn limit(headers: &HeaderMap) -> Option<u64> {
    number(headers, "x-quota-limit")?.try_into().ok()
}

/// In which time the quota is renewed. Both times are the broker's, so that it does not matter what time it is here.
pub(super) fn renewed_in(headers: &HeaderMap) -> Option<Duration> {
    let until = |reset: i64| {
        let reset = match reset < MOST_SECONDS {
            true => Timestamp::from_second(reset),
            false => Timestamp::from_millisecond(reset),
        };
        let now = server_time(headers).unwrap_or_else(Timestamp::now);
        // `Date` has no fractions of a second.
        let left = Duration::try_from(reset.ok()?.duration_since(now)).unwrap_or_default();
        Some(left + Duration::from_secs(1))
    };
    let seconds = |name| number(headers, name).and_then(|n| u64::try_from(n).ok());
    let pause = number(headers, "x-quota-reset")
        .and_then(until)
        .or_else(|| seconds(RETRY_AFTER.as_str()).map(Duration::from_secs));
    pause.map(|pause| pause.min(LONGEST))
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    Some(rfc2822::parse(date).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = reqwest::header::HeaderName::from_static(name);
                (name, value.parse().unwrap())
            })
            .collect()
    }

    #[test]
    fn seconds_and_milliseconds_by_the_servers_clock() {
        // 1 516 060 800 s
        let date = ("date", "Tue, 16 Jan 2018 00:00:00 GMT");
        for reset in ["1516061400", "1516061400000"] {
            let headers = headers(&[date, ("x-quota-reset", reset), ("x-quota-limit", "100")]);
            assert_eq!(
                renewed_in(&headers),
                Some(Duration::from_secs(601)),
                "{reset}"
            );
            assert_eq!(limit(&headers), Some(100));
        }
        let past = headers(&[date, ("x-quota-reset", "1516060000")]);
        assert_eq!(renewed_in(&past), Some(Duration::from_secs(1)));
        let absurd = headers(&[date, ("x-quota-reset", "99999999999")]);
        assert_eq!(renewed_in(&absurd), Some(LONGEST));
    }

    #[test]
    fn without_a_quota_the_usual_header_counts() {
        let usual = headers(&[("retry-after", "30")]);
        assert_eq!(renewed_in(&usual), Some(Duration::from_secs(30)));
        assert_eq!(renewed_in(&HeaderMap::new()), None);
    }
}
