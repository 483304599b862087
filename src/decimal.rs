//! JSON numbers compared by value, whatever their spelling and size.

use serde_json::Number;

/// The value of a JSON number (RFC 8259 section 6): its digits and a power of ten, which is never multiplied out, so that
/// `1e999999999` costs no more than its text.
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// The digits before and after the point, without zeros at either end; both empty for zero.
    digits: [&'a str; 2],
    /// The power of ten that the last digit counts.
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// The value of a number; `None` if its power of ten does not fit in 64 bits, as in `1e99999999999999999999`.
    pub(crate) fn of(number: &'a Number) -> Option<Self> {
        let text = number.as_str();
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let round = if fraction.is_empty() { whole.trim_end_matches('0') } else { whole };
        let zeros = i64::try_from(whole.len().checked_sub(round.len())?).ok()?;
        let places = i64::try_from(fraction.len()).ok()?;
        let digits = match round.trim_start_matches('0') {
            "" => ["", fraction.trim_start_matches('0')],
            round => [round, fraction],
        };
        if digits == ["", ""] {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let exponent = exponent.parse::<i64>().ok()?.checked_add(zeros)?.checked_sub(places)?;
        Some(Self { negative, digits, exponent })
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        fn digits<'a>(of: &Decimal<'a>) -> impl Iterator<Item = u8> + use<'a> {
            let [whole, fraction] = of.digits;
            whole.bytes().chain(fraction.bytes())
        }
        self.negative == other.negative && self.exponent == other.exponent && digits(self).eq(digits(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn equal(a: &str, b: &str, expected: bool) {
        let (left, right): (Number, Number) = (a.parse().unwrap(), b.parse().unwrap());
        assert!((Decimal::of(&left).unwrap() == Decimal::of(&right).unwrap()) == expected, "{a} and {b}");
    }

    #[test]
    fn one_value_has_many_spellings() {
        for one in ["1", "1.0", "1e0", "1E0", "1e+0", "1e-0", "10e-1", "0.1e1", "0.001e3", "1000e-3", "1.00e00"] {
            equal("1", one, true);
            equal("-1", one, false);
            equal("0", one, false);
            equal("1.00000000000000000000001", one, false);
        }
        for zero in ["0", "-0", "0.0", "-0.00e7", "0e99999999999999999999"] {
            equal("0", zero, true);
            equal("1e-9223372036854775808", zero, false);
        }
        equal("120.0340", "12003.4e-2", true);
        equal("120.034", "12.0034", false);
        equal("100", "1", false);
        equal("1e999999999", "10e999999998", true);
        equal("1e9223372036854775807", "0.1e9223372036854775807", false);
    }

    #[test]
    fn a_power_of_ten_has_64_bits() {
        let fits = |text: &str| Decimal::of(&text.parse().unwrap()).is_some();
        assert!(
            fits("1e9223372036854775807") && fits("1e-9223372036854775808") && fits("1e0000000000000000000000000007")
        );
        for beyond in
            ["1e9223372036854775808", "10e9223372036854775807", "0.1e-9223372036854775808", "1e-99999999999999999999"]
        {
            assert!(!fits(beyond), "{beyond}");
        }
    }
}
