//! Points in time, as milliseconds since 1970 in UTC. Nothing here reads a clock: the server does.

use ::time::OffsetDateTime;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Returns the milliseconds from `earlier` to this moment. Never negative: a clock that was set back yields zero.
    pub fn since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).max(0)
    }

    /// Returns the milliseconds between two moments, whichever is earlier: for something that is due again after a while, also when
    /// the clock was set back meanwhile.
    pub fn apart(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0).saturating_abs()
    }

    /// Formats as `2026-11-24 09:05:07` in UTC: the same text on the server and in the browser, whatever its time zone.
    pub fn utc(self) -> String {
        match OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000)) {
            Ok(t) => format!(
                "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                t.year(),
                u8::from(t.month()),
                t.day(),
                t.hour(),
                t.minute(),
                t.second()
            ),
            Err(_) => String::from("—"),
        }
    }

    /// Formats as `2026-11-24T09:05:07Z`, for a `<time datetime>` attribute and for files.
    pub fn iso(self) -> String {
        format!("{}Z", self.utc().replace(' ', "T"))
    }
}

/// Parses a day such as `2026-11-24` and returns its first millisecond in UTC.
pub fn day(text: &str) -> Option<Millis> {
    let mut parts = text.split('-');
    let (y, m, d) = (parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?, parts.next()?.parse().ok()?);
    if parts.next().is_some() || text.len() != 10 {
        return None;
    }
    let date = ::time::Date::from_calendar_date(y, ::time::Month::try_from(m).ok()?, d).ok()?;
    Some(Millis(date.midnight().assume_utc().unix_timestamp() * 1000))
}

/// Parses a UTC time to the minute, as a browser's time field writes it: `2026-11-24T09:30`.
pub fn minute(text: &str) -> Option<Millis> {
    let (day, clock) = text.split_once('T')?;
    let (hours, minutes) = clock.get(..5)?.split_once(':')?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    let day = self::day(day)?;
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(Millis(day.0 + (hours * 60 + minutes) * 60_000))
}

/// Parses what [`Millis::utc`] writes: `2026-11-24 09:05:07`.
pub fn utc_second(text: &str) -> Option<Millis> {
    let (day, clock) = text.split_once(' ')?;
    let minute = minute(&format!("{day}T{clock}"))?;
    let seconds = clock.get(5..)?.strip_prefix(':')?;
    let seconds: i64 = Some(seconds).filter(|text| text.len() == 2)?.parse().ok()?;
    (0..60).contains(&seconds).then_some(Millis(minute.0 + seconds * 1000))
}

/// Formats the time from `at` to `now` in one unit, as in `12 min ago`; a time of more than a month ago is a day, in UTC.
pub fn ago(at: Millis, now: Millis) -> String {
    let millis = now.0.saturating_sub(at.0);
    let (text, ahead) = match millis.abs() / 1000 {
        0..45 => return if millis < 0 { "in a moment".into() } else { "just now".into() },
        seconds @ 45..3_570 => (format!("{} min", (seconds + 30) / 60), millis < 0),
        seconds @ 3_570..84_600 => (format!("{} h", (seconds + 1_800) / 3_600), millis < 0),
        seconds if seconds < 30 * 86_400 => (format!("{} d", (seconds + 43_200) / 86_400), millis < 0),
        _ => return at.utc().chars().take(10).collect(),
    };
    if ahead { format!("in {text}") } else { format!("{text} ago") }
}

/// Formats milliseconds in their two largest units: `3 d 4 h`, `2 h 5 min`, `1 min 3 s`, `0 s`.
pub fn duration(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, m) => format!("{m} min {} s", seconds % 60),
        (0, h, m) => format!("{h} h {m} min"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_the_same_everywhere() {
        assert_eq!(Millis(0).utc(), "1970-01-01 00:00:00");
        assert_eq!(Millis(1_795_510_923_456).iso(), "2026-11-24T09:02:03Z");
        assert_eq!(Millis(-1).utc(), "1969-12-31 23:59:59");
        assert_eq!(Millis(i64::MAX).utc(), "—");
    }

    #[test]
    fn times_are_parsed_as_browsers_write_them() {
        assert_eq!(minute("1970-01-02T01:30"), Some(Millis(91_800_000)));
        for bad in ["", "1970-01-02", "1970-01-02T25:00", "1970-13-02T01:30", "1970-01-02T1:3"] {
            assert_eq!(minute(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_written_time_is_read_back() {
        let at = Millis(1_795_510_923_000);
        assert_eq!(utc_second(&at.utc()), Some(at));
        for bad in ["", "2026-11-24", "2026-11-24 09:02", "2026-11-24 09:02:61", "2026-11-24 09:02:3", "2026-11-24T09:02:03"] {
            assert_eq!(utc_second(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_is_told_by_its_distance_from_now() {
        let now = Millis(100 * 86_400_000);
        let told = |seconds: i64| ago(Millis(now.0 - seconds * 1000), now);
        assert_eq!([0, 44, 45, 90, 3_569].map(told), ["just now", "just now", "1 min ago", "2 min ago", "59 min ago"]);
        assert_eq!([3_570, 7_200, 84_599].map(told), ["1 h ago", "2 h ago", "23 h ago"]);
        assert_eq!([84_600, 29 * 86_400].map(told), ["1 d ago", "29 d ago"]);
        assert_eq!([30 * 86_400, -10, -600].map(told), ["1970-03-12", "in a moment", "in 10 min"]);
    }

    #[test]
    fn durations_name_their_two_largest_units() {
        assert_eq!(duration(-5), "0 s");
        assert_eq!(duration(63_000), "1 min 3 s");
        assert_eq!(duration(7_500_000), "2 h 5 min");
        assert_eq!(duration(273_600_000), "3 d 4 h");
    }
}
