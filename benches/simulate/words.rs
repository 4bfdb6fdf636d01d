//! The words of the simulated tenant: places, applications, user agents.

/// City, country, latitude, longitude. Neighbours in the list are neighbours on the map.
pub(crate) const CITIES: [(&str, &str, f64, f64); 24] = [
    ("Amsterdam", "NL", 52.374, 4.889),
    ("Utrecht", "NL", 52.091, 5.122),
    ("Antwerp", "BE", 51.220, 4.400),
    ("Hamburg", "DE", 53.575, 10.015),
    ("Lyon", "FR", 45.748, 4.847),
    ("Barcelona", "ES", 41.389, 2.159),
    ("Milan", "IT", 45.464, 9.190),
    ("Bristol", "GB", 51.455, -2.597),
    ("Leeds", "GB", 53.797, -1.548),
    ("Boston", "US", 42.360, -71.058),
    ("Ashburn", "US", 39.044, -77.487),
    ("Dallas", "US", 32.783, -96.807),
    ("Toronto", "CA", 43.700, -79.416),
    ("Osaka", "JP", 34.694, 135.502),
    ("Nagoya", "JP", 35.181, 136.906),
    ("Sao Paulo", "BR", -23.548, -46.636),
    ("Hanoi", "VN", 21.024, 105.841),
    ("Jakarta", "ID", -6.215, 106.845),
    ("Bucharest", "RO", 44.432, 26.106),
    ("Lagos", "NG", 6.454, 3.395),
    ("Mumbai", "IN", 19.073, 72.883),
    ("Seoul", "KR", 37.566, 126.978),
    ("Kyiv", "UA", 50.450, 30.524),
    ("Vilnius", "LT", 54.687, 25.280),
];

/// Where a tenant may live: its first city, how many cities from there on, hours ahead of UTC.
pub(crate) const REGIONS: [(usize, usize, i64); 5] =
    [(0, 4, 1), (4, 3, 1), (7, 2, 0), (9, 4, -5), (13, 2, 9)];

/// Applications; the first eight are used every day.
pub(crate) const APPS: [&str; 12] = [
    "Office 365 Exchange Online",
    "Microsoft Teams",
    "OfficeHome",
    "Office 365 SharePoint Online",
    "Microsoft Office",
    "Outlook Mobile",
    "OneDrive SyncEngine",
    "My Apps",
    "Azure Portal",
    "Microsoft Azure CLI",
    "Azure Active Directory PowerShell",
    "Microsoft Azure PowerShell",
];
pub(crate) const EXCHANGE: usize = 0;
pub(crate) const OFFICE_HOME: usize = 2;
pub(crate) const OUTLOOK_MOBILE: usize = 5;

/// A family of user agents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    EdgeWindows,
    ChromeWindows,
    FirefoxWindows,
    ChromeMac,
    SafariMac,
    SafariPhone,
    ChromePhone,
    Outlook,
    Teams,
    OutlookPhone,
    AppleMail,
    Thunderbird,
    Printer,
    Python,
    Axios,
    Go,
    FastHttp,
    Ropc,
    OldExplorer,
}

/// A user agent: a family and a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Agent {
    pub(crate) family: Family,
    pub(crate) version: u16,
}

impl Agent {
    /// What the client sends.
    pub(crate) fn text(self) -> String {
        const KIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
        let v = 140 + self.version % 8;
        match self.family {
            Family::EdgeWindows => {
                format!("{WINDOWS} {KIT} Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0")
            }
            Family::ChromeWindows => format!("{WINDOWS} {KIT} Chrome/{v}.0.0.0 Safari/537.36"),
            Family::FirefoxWindows => format!(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"
            ),
            Family::ChromeMac => format!("{MAC} {KIT} Chrome/{v}.0.0.0 Safari/537.36"),
            Family::SafariMac => format!("{MAC} {KIT} Version/19.{} Safari/605.1.15", v % 4),
            Family::SafariPhone => format!(
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_{0} like Mac OS X) {KIT} Version/19.{0} Mobile/15E148 Safari/604.1",
                v % 4
            ),
            Family::ChromePhone => format!(
                "Mozilla/5.0 (Linux; Android {}; K) {KIT} Chrome/{v}.0.0.0 Mobile Safari/537.36",
                13 + v % 4
            ),
            Family::Outlook => format!(
                "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.{}; Pro)",
                19_700 + v % 5
            ),
            Family::Teams => format!("{WINDOWS} {KIT} Teams/26032.214.{v}.1452 Edg/{v}.0.2478.67"),
            Family::OutlookPhone => format!("Outlook-iOS/2.260{}.0", v % 5),
            Family::AppleMail => format!("Apple-iPhone{}C{}/2301.341", 13 + v % 4, 1 + v % 5),
            Family::Thunderbird => "CBAInPROD".to_owned(),
            Family::Printer => "BAV2ROPC".to_owned(),
            Family::Python => format!("python-requests/2.32.{}", v % 4),
            Family::Axios => format!("axios/1.{}.2", 7 + v % 6),
            Family::Go => "Go-http-client/2.0".to_owned(),
            Family::FastHttp => "fasthttp".to_owned(),
            Family::Ropc => "BAV2ROPC".to_owned(),
            Family::OldExplorer => {
                "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)".to_owned()
            }
        }
    }

    /// Operating system and browser, as Entra reads them from the user agent.
    pub(crate) fn device(self) -> (&'static str, &'static str) {
        match self.family {
            Family::EdgeWindows => ("Windows11", "Edge 145.0.0"),
            Family::ChromeWindows => ("Windows11", "Chrome 145.0.0"),
            Family::FirefoxWindows => ("Windows11", "Firefox 147.0"),
            Family::ChromeMac => ("MacOs", "Chrome 145.0.0"),
            Family::SafariMac => ("MacOs", "Safari 19.1"),
            Family::SafariPhone => ("Ios 19.1", "Mobile Safari 19.1"),
            Family::ChromePhone => ("Android 16", "Chrome Mobile 145.0.0"),
            Family::Outlook | Family::Teams => ("Windows11", "Rich Client 4.83.0.0"),
            Family::OutlookPhone | Family::AppleMail => ("Ios", ""),
            Family::OldExplorer => ("Windows7", "IE 8.0"),
            _ => ("", ""),
        }
    }
}

/// Browsers that many people use; attackers write these too.
pub(crate) const BROWSERS: [Family; 5] = [
    Family::EdgeWindows,
    Family::ChromeWindows,
    Family::FirefoxWindows,
    Family::ChromeMac,
    Family::SafariMac,
];

/// What attack tools send when nobody hides them.
pub(crate) const SCRIPTS: [Family; 5] = [
    Family::Python,
    Family::Axios,
    Family::Go,
    Family::FastHttp,
    Family::OldExplorer,
];
