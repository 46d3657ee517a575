//! Codes of regions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidRequest;

/// A NUTS code such as `LU`, `ITC1` or `ITC11`; also any country of the world.
///
/// The portal looks at the two letters of the country only, and takes `ITZZZ99` for a region.
/// This type wants the form of a code; [`Client::nuts_names`](crate::Client::nuts_names) tells
/// whether there is such a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NutsCode(String);

impl NutsCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NutsCode {
    type Err = InvalidRequest;

    fn from_str(code: &str) -> Result<Self, InvalidRequest> {
        let wrong = |problem: String| InvalidRequest::Nuts {
            found: code.to_owned(),
            problem,
        };
        let is_code = (2..=5).contains(&code.len())
            && code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_code {
            return Err(wrong(
                "it is two capital letters for the country and up to three capitals or digits, such as LU, ITC1 or ITC11"
                    .to_owned(),
            ));
        }
        let country = &code[..2];
        if ELSEWHERE
            .split(' ')
            .chain(NUTS.split(' '))
            .any(|known| known == country)
        {
            Ok(Self(code.to_owned()))
        } else {
            Err(wrong(format!(
                "there is no country {country}; countries with NUTS codes are {NUTS}, and others go by their ISO 3166 code"
            )))
        }
    }
}

impl TryFrom<String> for NutsCode {
    type Error = InvalidRequest;

    fn try_from(code: String) -> Result<Self, InvalidRequest> {
        code.parse()
    }
}

impl From<NutsCode> for String {
    fn from(code: NutsCode) -> Self {
        code.0
    }
}

impl fmt::Display for NutsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Countries that have NUTS codes or statistical regions after their pattern.
const NUTS: &str = "AL AT BE BG CH CY CZ DE DK EE EL ES FI FR HR HU IE IS IT LI LT LU LV ME MK MT NL NO PL PT RO RS SE SI SK TR UK XK";

/// The others of ISO 3166-1.
const ELSEWHERE: &str = "AD AE AF AG AI AM AO AQ AR AS AU AW AX AZ BA BB BD BF BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
CA CC CD CF CG CI CK CL CM CN CO CR CU CV CW CX DJ DM DO DZ EC EG EH ER ET FJ FK FM FO GA GB GD GE GF GG GH GI GL GM GN GP \
GQ GR GS GT GU GW GY HK HM HN HT ID IL IM IN IO IQ IR JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LK LR LS LY MA \
MC MD MF MG MH ML MM MN MO MP MQ MR MS MU MV MW MX MY MZ NA NC NE NF NG NI NP NR NU NZ OM PA PE PF PG PH PK PM PN PR PS PW \
PY QA RE RU RW SA SB SC SD SG SH SJ SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TT TV TW TZ UA UG UM \
US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for code in ["LU", "ITC1", "ITC11", "BR", "EL", "UK", "XK", "DE30A"] {
            assert_eq!(code.parse::<NutsCode>().unwrap().as_str(), code);
        }
        // The first four are refused by the portal; the last two are taken for what they are not.
        for code in ["lu", "XX1", "IT-C1", "123", "", "ITZZZ99", "ÄÖ"] {
            let error = code.parse::<NutsCode>().unwrap_err().to_string();
            assert!(error.contains(code) && error.contains("LU"), "{error}");
        }
    }

    #[test]
    fn every_country_once() {
        let mut codes: Vec<_> = NUTS.split(' ').chain(ELSEWHERE.split(' ')).collect();
        assert!(codes.iter().all(|code| code.len() == 2));
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert!(all >= 250, "{all}");
    }
}
