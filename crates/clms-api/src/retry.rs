//! When to try again, and how long to wait before.

use std::fmt;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How often and how long a call is tried. Both limits hold: whichever is reached first ends it.
///
/// The wait before attempt n is a random time up to `base_delay` times 2ⁿ⁻², but at most
/// `max_delay`, so that many clients don't come back at the same instant. A server that says when
/// to come back (`Retry-After`) is obeyed, if that is before `max_elapsed` is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most attempts, with the first one; 0 means 1.
    pub max_attempts: u32,
    /// No attempt begins later than this after the first one began.
    pub max_elapsed: Duration,
    /// The longest wait before the second attempt.
    pub base_delay: Duration,
    /// The longest wait before any attempt.
    pub max_delay: Duration,
}

impl RetryPolicy {
    /// One attempt and no more.
    pub const fn none() -> Self {
        Self {
            max_attempts: 1,
            max_elapsed: Duration::ZERO,
            base_delay: Duration::ZERO,
            max_delay: Duration::ZERO,
        }
    }
}

impl Default for RetryPolicy {
    /// Five attempts within three minutes, waiting up to 1, 2, 4 and 8 seconds.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            max_elapsed: Duration::from_secs(180),
            base_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(30),
        }
    }
}

/// How often and how long something was tried before it was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tries {
    /// The attempts, from 1.
    pub attempts: u32,
    /// From the beginning of the first attempt to the end of the last one.
    pub elapsed: Duration,
}

/// ` after 3 attempts in 2.5 s`, or nothing of a single attempt.
impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attempts <= 1 {
            return Ok(());
        }
        let seconds = self.elapsed.as_secs_f64();
        write!(f, " after {} attempts in {seconds:.1} s", self.attempts)
    }
}

/// The attempts at one call, for whoever calls other servers with the same patience.
///
/// ```
/// use clms_api::{Attempts, RetryPolicy};
///
/// let mut attempts = Attempts::begin(RetryPolicy { max_attempts: 2, ..RetryPolicy::default() });
/// assert!(attempts.next(None).is_some(), "how long to wait before the second one");
/// assert!(attempts.next(None).is_none());
/// ```
#[derive(Debug)]
pub struct Attempts {
    policy: RetryPolicy,
    begun: Instant,
    /// The first attempt since the call last got on.
    first: Instant,
    /// Attempts so far, with the running one.
    count: u32,
    /// Attempts since the call last got on.
    since_progress: u32,
}

impl Attempts {
    /// Begins the first attempt.
    pub fn begin(policy: RetryPolicy) -> Self {
        Self {
            policy,
            begun: Instant::now(),
            first: Instant::now(),
            count: 1,
            since_progress: 1,
        }
    }

    /// How much was tried by now.
    pub fn so_far(&self) -> Tries {
        Tries {
            attempts: self.count,
            elapsed: self.begun.elapsed(),
        }
    }

    /// The call got on, though it did not finish: both limits start anew.
    pub fn progressed(&mut self) {
        self.first = Instant::now();
        self.since_progress = 0;
    }

    /// How long to wait before the next attempt, which is then counted; `None` when there is
    /// none to be.
    pub fn next(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        if self.since_progress >= self.policy.max_attempts {
            return None;
        }
        let delay = retry_after.unwrap_or_else(|| {
            let longest = self.longest_delay();
            longest.mul_f64(rand::random::<f64>())
        });
        if self.first.elapsed().checked_add(delay)? > self.policy.max_elapsed {
            return None;
        }
        self.count += 1;
        self.since_progress += 1;
        Some(delay)
    }

    fn longest_delay(&self) -> Duration {
        let doublings = self.since_progress.saturating_sub(1).min(31);
        self.policy
            .base_delay
            .saturating_mul(1 << doublings)
            .min(self.policy.max_delay)
    }
}

/// What a server says about when to come back (`Retry-After`): seconds, or a date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, Timestamp::now())
}

fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()?;
    // A date that is over means at once.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 22 Nov 2026 12:00:30 GMT", Some(30)),
            ("Sun, 22 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(
                parse_retry_after(value, now),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }

    #[test]
    fn attempts_end_by_count_and_by_time() {
        let policy = RetryPolicy {
            max_attempts: 3,
            ..RetryPolicy::default()
        };
        let mut attempts = Attempts::begin(policy);
        assert!(attempts.next(Some(Duration::ZERO)).is_some());
        assert!(attempts.next(Some(Duration::ZERO)).is_some());
        assert_eq!(attempts.next(Some(Duration::ZERO)), None);
        assert_eq!(attempts.so_far().attempts, 3);
        attempts.progressed();
        assert!(
            attempts.next(None).is_some(),
            "getting on gives new attempts"
        );

        let mut attempts = Attempts::begin(policy);
        assert_eq!(
            attempts.next(Some(Duration::from_secs(181))),
            None,
            "too long a wait"
        );
        // More than any clock can tell.
        assert_eq!(attempts.next(Some(Duration::MAX)), None);
        assert_eq!(Attempts::begin(RetryPolicy::none()).next(None), None);
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let mut attempts = Attempts::begin(RetryPolicy {
            max_attempts: 100,
            ..RetryPolicy::default()
        });
        let mut longest = Vec::new();
        for _ in 0..7 {
            longest.push(attempts.longest_delay().as_secs());
            attempts.next(Some(Duration::ZERO));
        }
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30]);
    }
}
