//! When a request was signed: `X-Amz-Date`, at most five minutes away from now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::civil::DateTime;
use k8s_openapi::jiff::tz::Offset;

use crate::eks_endpoint::error::{ErrorName, Quoted, ServiceError};

const HEADER: &str = "x-amz-date";

/// ISO 8601's basic format, in UTC.
const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Bytes of a date in that format.
const LENGTH: usize = "20150830T123600Z".len();

/// Bytes of its day.
const DAY_LENGTH: usize = "20150830".len();

/// How far a client's clock may be off, as with AWS. Within this time a request may be sent again by whoever saw it.
const SKEW: Duration = Duration::from_mins(5);

/// The date of a request.
#[derive(Debug)]
pub(super) struct RequestDate<'a> {
    text: &'a str,
    day: &'a str,
    seconds: i64,
}

impl<'a> RequestDate<'a> {
    /// Reads the date of a request, which must have one.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, ServiceError> {
        let mut sent = headers.get_all(HEADER).iter();
        let (Some(header), None) = (sent.next(), sent.next()) else {
            let message = "Authorization header requires existence of one 'X-Amz-Date' header.";
            return Err(ErrorName::IncompleteSignature.error(message));
        };
        let text = String::from_utf8_lossy(header.as_bytes());
        let date = header.to_str().ok().and_then(Self::parse);
        date.ok_or_else(|| {
            let message = format!("Date must be in ISO-8601 'basic format'. Got '{}'.", Quoted(&text));
            ErrorName::IncompleteSignature.error(message)
        })
    }

    fn parse(text: &'a str) -> Option<Self> {
        let day = text.get(..DAY_LENGTH)?;
        // Without this a sign would be read too, and fewer digits.
        let has_shape = text.len() == LENGTH && text.bytes().all(|c| c.is_ascii_alphanumeric());
        let date = has_shape.then(|| DateTime::strptime(FORMAT, text).ok()).flatten()?;
        let seconds = Offset::UTC.to_timestamp(date).ok()?.as_second();
        Some(Self { text, day, seconds })
    }

    /// The date as it was sent.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Its first eight digits.
    pub(super) fn day(&self) -> &'a str {
        self.day
    }

    /// Refuses what was signed too long ago, or is from the future, in AWS's words.
    pub(super) fn check(&self, now: SystemTime) -> Result<(), ServiceError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let skew = i64::try_from(SKEW.as_secs()).unwrap_or(i64::MAX);
        let [earliest, latest] = [now.saturating_sub(skew), now.saturating_add(skew)];
        let message = if self.seconds < earliest {
            let [earliest, now] = [earliest, now].map(basic);
            format!("Signature expired: {} is now earlier than {earliest} ({now} - 5 min.)", self.text)
        } else if self.seconds > latest {
            let [latest, now] = [latest, now].map(basic);
            format!("Signature not yet current: {} is still later than {latest} ({now} + 5 min.)", self.text)
        } else {
            return Ok(());
        };
        Err(ErrorName::InvalidSignature.error(message))
    }
}

/// A moment in seconds since 1970, in the format of the header.
fn basic(seconds: i64) -> String {
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    moment.strftime(FORMAT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2015-08-30T12:36:00Z.
    const SIGNED: u64 = 1_440_938_160;

    fn checked(now: u64) -> Result<(), ServiceError> {
        RequestDate::parse("20150830T123600Z").unwrap().check(UNIX_EPOCH + Duration::from_secs(now))
    }

    #[test]
    fn five_minutes_either_way_are_taken_and_no_more() {
        for now in [SIGNED - 300, SIGNED, SIGNED + 300] {
            assert_eq!(checked(now), Ok(()));
        }
        let expired = checked(SIGNED + 301).unwrap_err();
        assert_eq!(
            expired.to_string(),
            "InvalidSignatureException: Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
             (20150830T124101Z - 5 min.)"
        );
        let early = checked(SIGNED - 301).unwrap_err();
        assert_eq!(
            early.to_string(),
            "InvalidSignatureException: Signature not yet current: 20150830T123600Z is still later than \
             20150830T123559Z (20150830T123059Z + 5 min.)"
        );
    }

    #[test]
    fn clocks_at_either_end_of_time_are_answered() {
        let farthest = UNIX_EPOCH + Duration::from_secs(i64::MAX.unsigned_abs());
        for now in [UNIX_EPOCH, UNIX_EPOCH - Duration::from_secs(9), farthest] {
            let date = RequestDate::parse("20150830T123600Z").unwrap();
            assert_eq!(date.check(now).unwrap_err().name, ErrorName::InvalidSignature);
        }
    }

    #[test]
    fn only_the_basic_format_is_a_date() {
        let date = RequestDate::parse("20150830T123600Z").unwrap();
        assert_eq!((date.day(), date.seconds), ("20150830", i64::try_from(SIGNED).unwrap()));
        for text in [
            "",
            "20150830",
            "2015-08-30T12:36:00Z",
            "20150830T123600",
            "20150830T123600+",
            "20150830t123600Z",
            "20151330T123600Z",
            "20150230T123600Z",
            "20150830T250000Z",
            "-0150830T123600Z",
            "+2015083T123600Z",
            "2015083T123600Z",
            "201508 3T123600Z",
            "20150830T12360 Z",
            "20150830T123600Z ",
            "2015083éT123600Z",
            "Sun, 30 Aug 2015 12:36:00 GMT",
        ] {
            assert!(RequestDate::parse(text).is_none(), "{text}");
        }
    }
}
