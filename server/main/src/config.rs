//! Settings of `serve`: each from the command line, else `YARDMASTER_…`, else the file, else a default. All are read and checked
//! once at start; a wrong one is refused with its key, its value and the allowed values.

use anyhow::{Context, Result, bail};
use control::Keep;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The settings as given, before they are checked. Each one is a text, so that all refusals read alike.
#[derive(clap::Args, Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Given {
    /// Address and port of the console, or unix:/PATH of a socket for a proxy [default: 127.0.0.1:8080]
    #[arg(long, env = "YARDMASTER_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Folder of the database, logs and sessions; created if it does not exist [default: ./data]
    #[arg(long, env = "YARDMASTER_DATA", value_name = "DIR")]
    pub data: Option<String>,
    /// TOML file with these settings, under the same names (without dashes in front)
    #[arg(long, env = "YARDMASTER_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Address under which people reach the console, if it is behind a proxy; https makes cookies secure
    #[arg(long, env = "YARDMASTER_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Loopback address and port of /metrics, or “off” [default: 127.0.0.1:9464]
    #[arg(long, env = "YARDMASTER_METRICS", value_name = "ADDRESS:PORT")]
    pub metrics: Option<String>,
    /// Proxies whose X-Forwarded-For counts: addresses and networks with commas between them, yes for loopback, or no. A proxy at
    /// a Unix socket needs none [default: no]
    #[arg(long, env = "YARDMASTER_TRUST_PROXY", value_name = "ADDRESSES")]
    #[serde(deserialize_with = "yes_or_no")]
    pub trust_proxy: Option<String>,
    /// Connections that one address may have open; many people behind one address need more [default: 1000]
    #[arg(long, env = "YARDMASTER_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER")]
    pub connections_per_address: Option<String>,
    /// Free space in MiB that sessions must leave on the disk of the data folder; below it none is started [default: 1024]
    #[arg(long, env = "YARDMASTER_DISK_RESERVE", value_name = "MIB")]
    pub disk_reserve: Option<String>,
    /// Days for which files and logs of ended sessions are kept [default: 30]
    #[arg(long, env = "YARDMASTER_KEEP_FILES", value_name = "DAYS")]
    pub keep_files: Option<String>,
    /// Days for which audit records are kept [default: 730]
    #[arg(long, env = "YARDMASTER_KEEP_AUDIT", value_name = "DAYS")]
    pub keep_audit: Option<String>,
    /// Days for which histories of ended sessions are kept [default: 730]
    #[arg(long, env = "YARDMASTER_KEEP_HISTORY", value_name = "DAYS")]
    pub keep_history: Option<String>,
    /// Events kept for open pages that were away for a while [default: 100000]
    #[arg(long, env = "YARDMASTER_KEEP_EVENTS", value_name = "NUMBER")]
    pub keep_events: Option<String>,
    /// Mail server for password links, such as smtps://user@mail.example.org [default: none]
    #[arg(long, env = "YARDMASTER_MAIL_SERVER", value_name = "URL")]
    pub mail_server: Option<String>,
    /// Sender of such mail, such as yardmaster@example.org
    #[arg(long, env = "YARDMASTER_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Simulate the machines and sessions of this scenario instead of running any, for trying the console out
    #[arg(long, env = "YARDMASTER_SCENARIO", value_name = "FILE")]
    pub scenario: Option<String>,
    /// Resource group that this machine joins; created if it does not exist [default: default]
    #[arg(long, env = "YARDMASTER_RESOURCE_GROUP", value_name = "NAME")]
    pub resource_group: Option<String>,
    /// Run sessions even where they cannot be isolated from each other and from the machine
    #[arg(long, env = "YARDMASTER_ALLOW_UNISOLATED", value_name = "YES/NO", num_args = 0..=1, default_missing_value = "yes")]
    #[serde(deserialize_with = "yes_or_no")]
    pub allow_unisolated: Option<String>,
    /// Format of log lines: text or json [default: text]
    #[arg(long, env = "YARDMASTER_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// Where the console listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    Address(SocketAddr),
    /// The file of a Unix socket, which only a proxy on this machine can open.
    Socket(PathBuf),
}

/// The settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub listen: Listen,
    pub data: PathBuf,
    /// Scheme, host and port, without a slash at the end.
    pub public_url: Option<String>,
    pub metrics: Option<SocketAddr>,
    /// The proxies that say where requests come from, besides one at a Unix socket.
    pub trust_proxy: Vec<IpNet>,
    /// Connections that one address may have open.
    pub connections_per_address: usize,
    /// Bytes that sessions must leave free.
    pub disk_reserve: u64,
    pub keep: Keep,
    pub log_json: bool,
    /// The scenario to simulate; with one, nothing really runs.
    pub scenario: Option<PathBuf>,
    /// The resource group that this machine joins.
    pub resource_group: Option<String>,
    pub mail: Option<MailSettings>,
    /// Whether sessions may be plain processes where they cannot be isolated.
    pub allow_unisolated: bool,
}

/// The way for outgoing mail. Its password comes only from the environment (`YARDMASTER_MAIL_PASSWORD`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// `smtp://` or `smtps://`, as lettre reads it.
    pub server: String,
    pub from: String,
    /// The beginning of every link: the console's public URL.
    pub address: String,
}

impl Given {
    /// Reads the file, if one is named, and checks everything.
    pub fn check(self) -> Result<Settings> {
        let given = match self.config.clone() {
            None => self,
            Some(path) => {
                if let Some(through) = engine::local::visible_to_sessions(&path) {
                    bail!("the configuration file {} can be read by sessions, which see {}", path.display(), through.display());
                }
                self.over_file(&path)?
            }
        };
        let listen = given.listen.unwrap_or_else(|| "127.0.0.1:8080".into());
        let metrics = given.metrics.unwrap_or_else(|| "127.0.0.1:9464".into());
        let public_url = given.public_url.map(|url| public(&url)).transpose()?;
        let usual = Keep::default();
        let mail = mail(given.mail_server, given.mail_from, public_url.as_deref())?;
        Ok(Settings {
            listen: self::listen(&listen)?,
            data: given.data.unwrap_or_else(|| "data".into()).into(),
            public_url,
            mail,
            metrics: if metrics == "off" { None } else { Some(loopback(&metrics)?) },
            trust_proxy: proxies(given.trust_proxy.as_deref().unwrap_or("no"))?,
            connections_per_address: number("connections-per-address", given.connections_per_address, 1_000, 16)?,
            disk_reserve: number::<u64>("disk-reserve", given.disk_reserve, 1_024, 0)?.saturating_mul(1 << 20),
            keep: Keep {
                files: number("keep-files", given.keep_files, usual.files, 0)?,
                audit: number("keep-audit", given.keep_audit, usual.audit, 1)?,
                history: number("keep-history", given.keep_history, usual.history, 1)?,
                events: number("keep-events", given.keep_events, usual.events, 1_000)?,
            },
            scenario: given.scenario.map(PathBuf::from),
            resource_group: given.resource_group.map(|name| group(&name)).transpose()?,
            allow_unisolated: choice("allow-unisolated", given.allow_unisolated.as_deref(), ["no", "yes"])?,
            log_json: choice("log-format", given.log_format.as_deref(), ["text", "json"])?,
        })
    }

    /// Fills the settings that are not given with those of the file.
    fn over_file(self, path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
        let mut all: toml::Table =
            text.parse().with_context(|| format!("the configuration file {} is not valid TOML", path.display()))?;
        all.extend(toml::Table::try_from(self).context("the settings cannot be compared with the configuration file")?);
        all.try_into().map_err(|error| {
            let wrong = error.to_string();
            anyhow::anyhow!("the configuration file {}: {}; write values as text in quotes", path.display(), wrong.trim_end())
        })
    }
}

/// Reads a text, and also `true` and `false` without quotes.
fn yes_or_no<'de, D: serde::Deserializer<'de>>(value: D) -> std::result::Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected \"yes\", \"no\", true, false or addresses")]
    enum YesOrNo {
        Word(String),
        Bool(bool),
    }
    Ok(Some(match YesOrNo::deserialize(value)? {
        YesOrNo::Word(word) => word,
        YesOrNo::Bool(yes) => if yes { "yes" } else { "no" }.into(),
    }))
}

fn wrong_setting(key: &str, value: &str, allowed: &str) -> anyhow::Error {
    anyhow::anyhow!("`{key}` is {value:?}; allowed: {allowed}")
}

fn group(value: &str) -> Result<String> {
    let mut errors = Vec::new();
    types::rules::slug("name", value, false, &mut errors);
    match errors.first() {
        None => Ok(value.to_owned()),
        Some(error) => Err(wrong_setting("resource-group", value, &error.message)),
    }
}

/// Reads a whole number of at least `least`.
fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    key: &str,
    value: Option<String>,
    usual: T,
    least: T,
) -> Result<T> {
    let Some(value) = value else { return Ok(usual) };
    match value.parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(wrong_setting(key, &value, &format!("a whole number from {least} on"))),
    }
}

fn listen(value: &str) -> Result<Listen> {
    let allowed = "an address with a port, such as 127.0.0.1:8080 or [::]:8080, or the whole path of a socket, such as \
                   unix:/run/yardmaster/http.sock";
    let listen = match value.strip_prefix("unix:") {
        Some(path) => Some(path).filter(|path| path.starts_with('/')).map(|path| Listen::Socket(path.into())),
        None => value.parse().ok().map(Listen::Address),
    };
    listen.ok_or_else(|| wrong_setting("listen", value, allowed))
}

fn proxies(value: &str) -> Result<Vec<IpNet>> {
    let networks: Option<Vec<IpNet>> = match value {
        "no" => Some(Vec::new()),
        "yes" => ["127.0.0.0/8", "::1"].into_iter().map(types::rules::network).collect(),
        list => list.split(',').map(|one| types::rules::network(one.trim())).collect(),
    };
    let allowed = "no, yes for a proxy on loopback, or the proxies' addresses and networks, such as 10.0.0.7, 10.1.0.0/24";
    networks.ok_or_else(|| wrong_setting("trust-proxy", value, allowed))
}

fn loopback(value: &str) -> Result<SocketAddr> {
    let allowed = "a loopback address with a port, such as 127.0.0.1:9464, or off";
    let address: SocketAddr = value.parse().map_err(|_| wrong_setting("metrics", value, allowed))?;
    // Metrics show what runs here, to anybody who asks.
    if address.ip().is_loopback() { Ok(address) } else { Err(wrong_setting("metrics", value, allowed)) }
}

fn public(value: &str) -> Result<String> {
    let trimmed = value.trim_end_matches('/');
    let host = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', ' ']) => Ok(trimmed.into()),
        _ => Err(wrong_setting("public-url", value, "a scheme and a host, such as https://cluster.example.org")),
    }
}

fn mail(server: Option<String>, from: Option<String>, public_url: Option<&str>) -> Result<Option<MailSettings>> {
    let Some(server) = server else { return Ok(None) };
    let allowed = "the address of a mail server, such as smtps://user@mail.example.org or smtp://127.0.0.1:25";
    let user = server.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(user, _)| user);
    if user.is_some_and(|user| user.contains(':')) {
        // Without the value, which would reveal the password.
        bail!("`mail-server` contains a password; put it into the environment, as YARDMASTER_MAIL_PASSWORD")
    }
    let host = server.strip_prefix("smtps://").or_else(|| server.strip_prefix("smtp://"));
    if host.is_none_or(str::is_empty) {
        return Err(wrong_setting("mail-server", &server, allowed));
    }
    let Some(from) = from else { bail!("`mail-server` is set, but `mail-from` is missing: the sender's address") };
    let Some(address) = public_url.map(String::from) else {
        bail!("`mail-server` is set, but `public-url` is missing: links in mail begin with it")
    };
    Ok(Some(MailSettings { server, from, address }))
}

/// Reads one of two words: false for the first, which is the default, and true for the second.
fn choice(key: &str, value: Option<&str>, words: [&str; 2]) -> Result<bool> {
    match value {
        None => Ok(false),
        Some(value) if value == words[0] => Ok(false),
        Some(value) if value == words[1] => Ok(true),
        Some(value) => Err(wrong_setting(key, value, &format!("{} or {}", words[0], words[1]))),
    }
}

impl Settings {
    /// Whether people come over TLS. Cookies are then marked secure, and bound to the host by their name.
    pub fn secure(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(key: &str, value: &str) -> Given {
        let value = Some(value.to_owned());
        match key {
            "listen" => Given { listen: value, ..Given::default() },
            "public-url" => Given { public_url: value, ..Given::default() },
            "trust-proxy" => Given { trust_proxy: value, ..Given::default() },
            "metrics" => Given { metrics: value, ..Given::default() },
            "mail-server" => Given { mail_server: value, ..Given::default() },
            _ => Given { log_format: value, ..Given::default() },
        }
    }

    #[test]
    fn a_wrong_setting_is_refused_with_key_value_and_allowed_values() {
        let wrong = [
            ("listen", "8080"),
            ("public-url", "cluster"),
            ("metrics", "0.0.0.0:1"),
            ("mail-server", "mail.example.org"),
            ("log-format", "xml"),
        ];
        for (key, value) in wrong {
            let error = given(key, value).check().unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(value) && error.contains("allowed: "), "{error}");
        }
    }

    #[test]
    fn mail_needs_a_sender_and_an_address_for_its_links() {
        let mut given = Given { mail_server: Some("smtp://127.0.0.1:25".into()), ..Given::default() };
        assert!(given.clone().check().unwrap_err().to_string().contains("mail-from"));
        given.mail_from = Some("yard@example.org".into());
        assert!(given.clone().check().unwrap_err().to_string().contains("public-url"));
        given.public_url = Some("https://yard.example.org/".into());
        assert_eq!(given.check().unwrap().mail.unwrap().address, "https://yard.example.org");
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_an_unknown_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("yardmaster.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndata = \"/srv/yard\"\ntrust-proxy = true\n").unwrap();
        let given = Given { config: Some(file.clone()), listen: Some("127.0.0.1:2".into()), ..Given::default() };
        let settings = given.check().unwrap();
        let listen = Listen::Address("127.0.0.1:2".parse().unwrap());
        assert_eq!((settings.listen, settings.data.to_str(), settings.trust_proxy.len()), (listen, Some("/srv/yard"), 2));
        std::fs::write(&file, "lisen = \"127.0.0.1:1\"\n").unwrap();
        let error = Given { config: Some(file), ..Given::default() }.check().unwrap_err().to_string();
        assert!(error.contains("`lisen`") && error.contains("listen"), "{error}");
    }

    #[test]
    fn only_yes_and_no_may_be_without_quotes_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("yardmaster.toml");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Given { config: Some(file.clone()), ..Given::default() }.check()
        };
        for (value, trusts) in [("true", true), ("\"yes\"", true), ("false", false), ("\"no\"", false)] {
            assert_eq!(!read(&format!("trust-proxy = {value}\n")).unwrap().trust_proxy.is_empty(), trusts, "{value}");
        }
        for (line, key) in [("listen = 8080", "`listen`"), ("trust-proxy = 1", "`trust-proxy`"), ("data = true", "`data`")] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("in quotes"), "{error}");
        }
    }

    #[test]
    fn a_file_that_sessions_can_read_is_no_configuration_file() {
        // A link into /usr on every distribution that has it there.
        let given = Given { config: Some("/etc/os-release".into()), ..Given::default() };
        let refused = given.check().unwrap_err().to_string();
        assert!(refused.contains("/etc/os-release can be read by sessions, which see /"), "{refused}");
    }
}
