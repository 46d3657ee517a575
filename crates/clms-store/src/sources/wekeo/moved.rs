//! Where datasets of WEkEO are that are no longer where they were.
//!
//! Ids of the API's first version (`CGLS_...`) became `CLMS_GLOBAL_..._NETCDF` in the second one, and then all data of the global land service went to
//! the one dataset [`ONE_FOR_ALL`], whose filter `datasetIdentifier` has the names that CDSE has. Those of the agency, once below `EO:CLMS:DAT:`, are
//! below `EO:EEA:DAT:`, and go the same way until the end of 2026.

/// The dataset that all others go to.
pub(super) const ONE_FOR_ALL: &str = "EO:JRC:DAT:CLMS";
/// Its filter that tells them apart.
pub(super) const IDENTIFIER: &str = "datasetIdentifier";

/// Where ids of CLMS began.
const OLD_PREFIX: &str = "EO:CLMS:DAT:";
/// Where those of the agency begin now.
const AGENCY_PREFIX: &str = "EO:EEA:DAT:";

/// The first id, the second one, both without [`OLD_PREFIX`], and the identifier; `None` where no collection of CDSE has those data.
type Move = (&'static str, &'static str, Option<&'static str>);

#[rustfmt::skip]
const MOVED: &[Move] = &[
    ("CGLS_DAILY10_LST_DC_GLOBAL_V1", "CLMS_GLOBAL_LST_5KM_V1_10DAILY-DAILY-CYCLE_NETCDF", Some("lst-daily-cycle_global_5km_10daily_v1")),
    ("CGLS_DAILY10_LST_DC_GLOBAL_V2", "CLMS_GLOBAL_LST_5KM_V2_10DAILY-DAILY-CYCLE_NETCDF", Some("lst-daily-cycle_global_5km_10daily_v2")),
    ("CGLS_DAILY10_LST_TCI_GLOBAL_V1", "CLMS_GLOBAL_LST_5KM_V1_10DAILY-TCI_NETCDF", Some("lst-tci_global_5km_10daily_v1")),
    ("CGLS_DAILY10_LST_TCI_GLOBAL_V2", "CLMS_GLOBAL_LST_5KM_V2_10DAILY-TCI_NETCDF", Some("lst-tci_global_5km_10daily_v2")),
    ("CGLS_GLOBAL_ALBH_V1_1KM", "CLMS_GLOBAL_ALBH_1KM_V1_10DAILY_NETCDF", None),
    ("CGLS_GLOBAL_ALDH_V1_1KM", "CLMS_GLOBAL_ALDH_1KM_V1_10DAILY_NETCDF", None),
    ("CGLS_GLOBAL_DMP300_V1_333M", "CLMS_GLOBAL_DMP_300M_V1_10DAILY_NETCDF", Some("dmp_global_300m_10daily_v1")),
    ("CGLS_GLOBAL_DMP_V2_1KM", "CLMS_GLOBAL_DMP_1KM_V2_10DAILY_NETCDF", Some("dmp_global_1km_10daily_v2")),
    ("CGLS_GLOBAL_FAPAR300_V1_333M", "CLMS_GLOBAL_FAPAR_300M_V1_10DAILY_NETCDF", Some("fapar_global_300m_10daily_v1")),
    ("CGLS_GLOBAL_FAPAR_V1_1KM", "CLMS_GLOBAL_FAPAR_1KM_V1_10DAILY_NETCDF", Some("fapar_global_1km_10daily_v1")),
    ("CGLS_GLOBAL_FAPAR_V2_1KM", "CLMS_GLOBAL_FAPAR_1KM_V2_10DAILY_NETCDF", Some("fapar_global_1km_10daily_v2")),
    ("CGLS_GLOBAL_FCOVER300_V1_333M", "CLMS_GLOBAL_FCOVER_300M_V1_10DAILY_NETCDF", Some("fcover_global_300m_10daily_v1")),
    ("CGLS_GLOBAL_FCOVER_V1_1KM", "CLMS_GLOBAL_FCOVER_1KM_V1_10DAILY_NETCDF", Some("fcover_global_1km_10daily_v1")),
    ("CGLS_GLOBAL_FCOVER_V2_1KM", "CLMS_GLOBAL_FCOVER_1KM_V2_10DAILY_NETCDF", Some("fcover_global_1km_10daily_v2")),
    ("CGLS_GLOBAL_GDMP300_V1_333M", "CLMS_GLOBAL_GDMP_300M_V1_10DAILY_NETCDF", Some("gdmp_global_300m_10daily_v1")),
    ("CGLS_GLOBAL_GDMP_V2_1KM", "CLMS_GLOBAL_GDMP_1KM_V2_10DAILY_NETCDF", Some("gdmp_global_1km_10daily_v2")),
    ("CGLS_GLOBAL_LAI300_V1_333M", "CLMS_GLOBAL_LAI_300M_V1_10DAILY_NETCDF", Some("lai_global_300m_10daily_v1")),
    ("CGLS_GLOBAL_LAI_V1_1KM", "CLMS_GLOBAL_LAI_1KM_V1_10DAILY_NETCDF", Some("lai_global_1km_10daily_v1")),
    ("CGLS_GLOBAL_LAI_V2_1KM", "CLMS_GLOBAL_LAI_1KM_V2_10DAILY_NETCDF", Some("lai_global_1km_10daily_v2")),
    ("CGLS_GLOBAL_NDVI300_V1_333M", "CLMS_GLOBAL_NDVI_300M_V1_10DAILY_NETCDF", Some("ndvi_global_300m_10daily_v1")),
    ("CGLS_GLOBAL_NDVI300_V2_333M", "CLMS_GLOBAL_NDVI_300M_V2_10DAILY_NETCDF", Some("ndvi_global_300m_10daily_v2")),
    ("CGLS_GLOBAL_NDVI_V2_1KM", "CLMS_GLOBAL_NDVI_1KM_V2_10DAILY_NETCDF", Some("ndvi_global_1km_10daily_v2")),
    ("CGLS_GLOBAL_NDVI_V3_1KM", "CLMS_GLOBAL_NDVI_1KM_V3_10DAILY_NETCDF", Some("ndvi_global_1km_10daily_v3")),
    ("CGLS_GLOBAL_SWI10_V3_0.1DEGREE", "CLMS_GLOBAL_SWI_12.5KM_V3_10DAILY_NETCDF", Some("swi_global_12.5km_10daily_v3")),
    ("CGLS_HOURLY_LST_GLOBAL_V1", "CLMS_GLOBAL_LST_5KM_V1_HOURLY_NETCDF", Some("lst_global_5km_hourly_v1")),
    ("CGLS_HOURLY_LST_GLOBAL_V2", "CLMS_GLOBAL_LST_5KM_V2_HOURLY_NETCDF", Some("lst_global_5km_hourly_v2")),
    ("VEGETATION_DAILY_SWI_12.5KM_GLOBAL_V3", "CLMS_GLOBAL_SWI_12.5KM_V3_DAILY_NETCDF", Some("swi_global_12.5km_daily_v3")),
    ("VEGETATION:DAILY_SWI_12.5KM_GLOBAL_V3", "CLMS_GLOBAL_SWI_12.5KM_V3_DAILY_NETCDF", Some("swi_global_12.5km_daily_v3")),
    ("VEGETATION:DAILY_SWI_1KM_EUROPE_V1", "CLMS_GLOBAL_SWI_1KM_V1_DAILY_NETCDF", Some("swi_europe_1km_daily_v1")),
    ("CLMS_GLOBAL_SSM_1KM_V1_DAILY_NETCDF", "CLMS_GLOBAL_SSM_1KM_V1_DAILY_NETCDF", Some("ssm_europe_1km_daily_v1")),
    ("ENERGY_TOCR_1KM_GLOBAL_V1", "CLMS_GLOBAL_TOCR_1KM_V1_10DAILY_NETCDF", None),
];

/// Where a dataset is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Under the id that it had.
    Same,
    /// Under another id.
    Renamed(String),
    /// In [`ONE_FOR_ALL`], under that identifier.
    InOneForAll(&'a str),
    /// Nobody knows; it left its old place.
    Lost,
}

/// Where the dataset of an id of any version is now, for all that is known.
pub(super) fn place(id: &str) -> Place<'static> {
    let name = id
        .strip_prefix(OLD_PREFIX)
        .or_else(|| id.strip_prefix(AGENCY_PREFIX));
    let known = MOVED
        .iter()
        .find(|(first, second, _)| name == Some(first) || name == Some(second));
    match (known, id.strip_prefix(OLD_PREFIX)) {
        (Some((_, _, Some(identifier))), _) => Place::InOneForAll(identifier),
        (Some((_, _, None)), _) => Place::Lost,
        (None, Some(rest)) => Place::Renamed(format!("{AGENCY_PREFIX}{rest}")),
        (None, None) => Place::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_ids_lead_to_living_ones() {
        for (id, identifier) in [
            (
                "EO:CLMS:DAT:CGLS_GLOBAL_NDVI300_V1_333M",
                "ndvi_global_300m_10daily_v1",
            ),
            (
                "EO:CLMS:DAT:CLMS_GLOBAL_NDVI_300M_V1_10DAILY_NETCDF",
                "ndvi_global_300m_10daily_v1",
            ),
            (
                "EO:EEA:DAT:VEGETATION:DAILY_SWI_1KM_EUROPE_V1",
                "swi_europe_1km_daily_v1",
            ),
        ] {
            assert_eq!(place(id), Place::InOneForAll(identifier));
        }
        assert_eq!(
            place("EO:CLMS:DAT:CORINE"),
            Place::Renamed("EO:EEA:DAT:CORINE".to_owned())
        );
        assert_eq!(place("EO:CLMS:DAT:CGLS_GLOBAL_ALBH_V1_1KM"), Place::Lost);
        for id in [
            "EO:CRYO:DAT:HRSI:FSC",
            "EO:EEA:DAT:CLMS_HRVPP_VI",
            ONE_FOR_ALL,
        ] {
            assert_eq!(place(id), Place::Same, "{id}");
        }
    }

    #[test]
    fn identifiers_are_made_by_one_rule() {
        // <what>_<where>_<resolution>_<how often>_v<version>, and the version and resolution are those of the old name.
        for (first, second, identifier) in MOVED {
            let Some(identifier) = identifier else {
                continue;
            };
            let words: Vec<&str> = identifier.split('_').collect();
            let [_, region, resolution, _, version] = words[..] else {
                panic!("{identifier}");
            };
            assert!(["global", "europe"].contains(&region), "{identifier}");
            let second = second.to_lowercase();
            assert!(
                second.contains(&format!("_{resolution}_{version}_")),
                "{second}"
            );
            assert!(first.to_lowercase().contains(version), "{first}");
        }
    }
}
