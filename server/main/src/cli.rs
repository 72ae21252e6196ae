//! The command line.

use crate::claim::claim;
use crate::config::{Given, Settings};
use crate::listen::Listening;
use crate::site::Site;
use crate::{App, address, connections, metrics, router, trace};
use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use control::{Control, Mail, SeedRows, Vault};
use engine::Engine;
use engine::local::{LocalEngine, Options};
use engine::simulated::{Scenario, SimulatedEngine};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use types::people::permissions::Role;

/// Console and control plane of a shared compute cluster.
///
/// `yardmaster serve` starts it; the first time, it creates an administrator and prints the password once.
#[derive(Parser)]
#[command(name = "yardmaster", version, about, long_about, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  yardmaster serve --listen 0.0.0.0:8080 --data /var/lib/yardmaster
  yardmaster user create --data /var/lib/yardmaster --email ann@example.org --username ann
  YARDMASTER_ADMIN_EMAIL=root@example.org YARDMASTER_ADMIN_PASSWORD='…' yardmaster serve

SIGTERM ends the server after the requests in flight; sessions keep running and are found again at the next start.";

#[derive(Subcommand)]
enum Command {
    /// Start the console and the control plane
    Serve(Box<Serve>),
    /// Create people and reset their passwords, on this machine
    #[command(subcommand)]
    User(User),
    /// Fill an empty database with people and ended sessions, for measuring
    Seed(Seed),
    /// Write sessions and agents as a trace without names, for replaying them under other schedulers
    Trace {
        #[arg(long, env = "YARDMASTER_DATA", default_value = "data", value_name = "DIR")]
        data: PathBuf,
        /// The folder for `jobs.csv` and `machines.csv`
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
}

#[derive(clap::Args)]
struct Serve {
    #[command(flatten)]
    given: Given,
    /// Email of the administrator that the first start creates [default: admin@yardmaster.local]
    #[arg(long, env = "YARDMASTER_ADMIN_EMAIL", value_name = "EMAIL")]
    admin_email: Option<String>,
    /// The administrator's password, made up and printed once by default. Only read from the environment, since command lines
    /// are visible to others
    #[arg(skip)]
    admin_password: Option<String>,
}

#[derive(Subcommand)]
enum User {
    /// Create a person in the domain and project “default”
    Create {
        #[arg(long, env = "YARDMASTER_DATA", default_value = "data", value_name = "DIR")]
        data: PathBuf,
        #[arg(long)]
        email: String,
        #[arg(long)]
        username: String,
        #[arg(long, default_value = "")]
        full_name: String,
        /// superadmin, admin, user or monitor
        #[arg(long, default_value = "user")]
        role: String,
        /// Read the password from standard input; otherwise one is made up and printed
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a person a new password and end all their sign-ins
    ResetPassword {
        #[arg(long, env = "YARDMASTER_DATA", default_value = "data", value_name = "DIR")]
        data: PathBuf,
        /// Email or username
        login: String,
        /// Also turn two-factor authentication off, if the person has lost authenticator and recovery codes
        #[arg(long)]
        end_two_factor: bool,
        /// Read the password from standard input; otherwise one is made up and printed
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(clap::Args)]
struct Seed {
    #[arg(long, env = "YARDMASTER_DATA", default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// People to write
    #[arg(long, default_value_t = 0)]
    users: u64,
    /// Keypairs to write beside the one that each person has, one each for the first of them
    #[arg(long, default_value_t = 0)]
    keypairs: u64,
    /// Ended sessions to write
    #[arg(long, default_value_t = 0)]
    sessions: u64,
    /// Waiting sessions to write
    #[arg(long, default_value_t = 0)]
    waiting: u64,
    /// Audit records to write
    #[arg(long, default_value_t = 0)]
    audit: u64,
    /// Do it even if the database is not empty
    #[arg(long)]
    force: bool,
}

/// Runs the command that the command line names.
pub fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    // `cargo leptos watch` starts the binary without arguments, and means `serve`.
    if words.len() == 1 && std::env::var_os("LEPTOS_WATCH").is_some() {
        words.push("serve".into());
    }
    let arguments = Arguments::parse_from(words);
    if matches!(arguments.command, Command::Serve(_)) {
        connections::raise_descriptors();
    }
    // At least four threads: a page that is rendered on the only thread would wait for itself.
    let threads = std::thread::available_parallelism().map_or(4, |n| n.get().max(4));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => Err(anyhow::Error::new(error).context("the threads could not be started")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("yardmaster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(mut serve) => {
            serve.admin_password = std::env::var("YARDMASTER_ADMIN_PASSWORD").ok();
            let settings = serve.given.clone().check()?;
            start_log(settings.log_json);
            self::serve(settings, serve.admin_email.as_deref(), serve.admin_password.as_deref()).await
        }
        Command::User(User::Create { data, email, username, full_name, role, password_stdin }) => {
            let control = open(&data, None, Options::default()).await?.control;
            let Some(role) = Role::from_key(&role) else {
                bail!("`--role` is {role:?}; allowed: superadmin, admin, user and monitor")
            };
            if let Some(first) = control.first_start(None, None).await.map_err(plain)? {
                println!("Administrator: {}  password: {}", first.email, first.password.unwrap_or_default());
            }
            let password = if password_stdin { read_password()? } else { control::made_up_password().map_err(plain)? };
            control.create_user_here(&email, &username, &full_name, &password, role).await.map_err(plain)?;
            println!("Created {email}.");
            if !password_stdin {
                println!("Password of {email}: {password}");
            }
            Ok(())
        }
        Command::User(User::ResetPassword { data, login, end_two_factor, password_stdin }) => {
            let control = open(&data, None, Options::default()).await?.control;
            let given = if password_stdin { Some(read_password()?) } else { None };
            if let Some(password) = control.reset_password_here(&login, given.as_deref(), end_two_factor).await.map_err(plain)? {
                println!("New password of {login}: {password}");
            }
            println!("All sign-ins of {login} have been ended.");
            Ok(())
        }
        Command::Seed(seed) => {
            create_private(&seed.data)?;
            // A running server would not hear of so many rows.
            let _claim = claim(&seed.data)?;
            let control = open(&seed.data, None, Options::default()).await?.control;
            if let Some(first) = control.first_start(None, None).await.map_err(plain)? {
                println!("Administrator: {}  password: {}", first.email, first.password.unwrap_or_default());
            }
            let started = std::time::Instant::now();
            let progress = |what: &str, done: u64, of: u64| eprintln!("{done} of {of} {what}, {:.0?}", started.elapsed());
            let rows = SeedRows {
                people: seed.users,
                keypairs: seed.keypairs,
                ended: seed.sessions,
                waiting: seed.waiting,
                audit: seed.audit,
            };
            let password = control.seed(rows, seed.force, progress).await.map_err(plain)?;
            println!("Password of every seeded person: {password}");
            Ok(())
        }
        Command::Trace { data, into } => {
            let file = data.join("yardmaster.db");
            if !file.exists() {
                bail!("there is no database in {}", data.display());
            }
            let store = Store::open(&file).await.with_context(|| format!("the database {} cannot be opened", file.display()))?;
            let (jobs, machines) = trace::write(&store, &into, control::system_time()).await?;
            println!("Wrote {jobs} jobs and {machines} machines to {}.", into.display());
            Ok(())
        }
    }
}

fn plain(problem: types::Problem) -> anyhow::Error {
    match problem {
        types::Problem::Invalid(errors) => {
            let lines: Vec<_> = errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect();
            anyhow::anyhow!(lines.join("\n"))
        }
        other => anyhow::anyhow!(other.to_string()),
    }
}

fn read_password() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("the password could not be read from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn start_log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,sqlx=warn".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { log.json().init() } else { log.init() }
}

/// A data folder, opened.
struct Opened {
    control: Control,
    unisolated: bool,
}

/// Opens the database and the engine of one data folder. A scenario has a database of its own there: simulated data never mixes
/// with real data.
async fn open(data: &Path, scenario: Option<&Path>, options: Options) -> Result<Opened> {
    create_private(data)?;
    let data = data.canonicalize().with_context(|| format!("the data folder {} cannot be opened", data.display()))?;
    let file = data.join(if scenario.is_some() { "simulated.db" } else { "yardmaster.db" });
    own_file(&file)?;
    let store = Store::open(&file).await.with_context(|| format!("the database {} cannot be opened", file.display()))?;
    let vault = Vault::of_database(&data.join("secret.key"), &store).await?;
    let (engine, unisolated): (Arc<dyn Engine>, bool) = match scenario {
        Some(file) => (simulated(file, data.join("simulated.log"))?, false),
        None => {
            let exe = std::env::current_exe().context("this program cannot find its own file")?;
            let engine = LocalEngine::open_with(data.join("sessions"), exe, options).map_err(with_causes)?;
            let unisolated = engine.runs_unisolated();
            (Arc::new(engine), unisolated)
        }
    };
    Ok(Opened { control: Control::new(store, engine, vault), unisolated })
}

fn with_causes(error: engine::EngineError) -> anyhow::Error {
    anyhow::anyhow!(error.with_causes())
}

/// Opens the agents of a scenario, with the containers that were started on them, as kept in `journal`.
fn simulated(scenario: &Path, journal: PathBuf) -> Result<Arc<SimulatedEngine>> {
    let text = std::fs::read_to_string(scenario)
        .with_context(|| format!("`scenario` = {}: the file cannot be read", scenario.display()))?;
    let scenario: Scenario = text.parse().with_context(|| format!("`scenario` = {}", scenario.display()))?;
    let engine = Arc::new(SimulatedEngine::open(scenario, journal).context("the simulated engine cannot be opened")?);
    engine.spawn_clock();
    Ok(engine)
}

/// Creates the data folder. Others may pass through it but not list it: sessions under another user must reach their own folder.
fn create_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o711);
    builder.create(folder).with_context(|| format!("the data folder {} cannot be created", folder.display()))
}

/// Creates the database file, readable only by its owner; SQLite gives the files beside it the same permissions.
fn own_file(file: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file);
    opened.map(drop).with_context(|| format!("the database {} cannot be created", file.display()))
}

async fn serve(settings: Settings, email: Option<&str>, password: Option<&str>) -> Result<()> {
    // Simulated sessions are no processes; real ones can connect from every address of this machine.
    if settings.scenario.is_none() {
        address::refuse_proxies_on_this_machine(&settings)?;
    }
    create_private(&settings.data)?;
    let _claim = claim(&settings.data)?;
    let site = Site::find()?;
    let names = Arc::new(site.names()?);
    site.check(&names).await?;
    let options = Options {
        resource_group: settings.resource_group.clone(),
        allow_unisolated: settings.allow_unisolated,
        ..Options::default()
    };
    let Opened { mut control, unisolated } = open(&settings.data, settings.scenario.as_deref(), options).await?;
    if let Some(mail) = &settings.mail {
        let password = std::env::var("YARDMASTER_MAIL_PASSWORD").ok();
        let opened = Mail::open(&mail.server, password.as_deref(), &mail.from).context("`mail-server` or `mail-from`")?;
        control = control.with_mail(opened, mail.address.clone());
    }
    control.keep(settings.keep);
    if settings.scenario.is_none() {
        control.watch_disk(settings.data.clone(), settings.disk_reserve);
    }
    let installation = control.installation().await.map_err(plain)?.into();
    let (shared, build) = (Arc::new(settings.clone()), build().into());
    let app = App { control: control.clone(), settings: shared, site, names, installation, unisolated, build };
    let listener = Listening::bind(&settings.listen).await?;
    let limits = connections::Limits::new(settings.connections_per_address, settings.trust_proxy.clone());
    if let Some(metrics) = settings.metrics {
        match TcpListener::bind(metrics).await {
            Ok(listener) => {
                let token = metrics::token(&settings.data)?;
                let router = metrics::router(app.clone(), &token);
                drop(tokio::spawn(connections::serve(listener, router, limits.clone(), std::future::pending())));
            }
            // A second server on the same machine must still be able to start.
            Err(error) => tracing::warn!(%metrics, %error, "no metrics: the address cannot be used"),
        }
    }
    control.recall_rates().await.map_err(plain)?;
    // After everything that can fail: its password is shown only once.
    let first = control.first_start(email, password).await.map_err(plain)?;
    // On standard output, apart from the log: the lines that a person needs at the first start.
    println!("Yardmaster is at {}", settings.public_url.clone().unwrap_or_else(|| listener.shown()));
    if let Some(first) = first {
        println!("Administrator: {}", first.email);
        if let Some(password) = first.password {
            println!("Password (shown only now): {password}");
        }
    }
    let loops = [
        tokio::spawn(control.clone().run()),
        tokio::spawn(control.clone().keep_rates_always()),
        tokio::spawn(control.clone().clean_always()),
        tokio::spawn(control.clone().watch_sessions_disks()),
        tokio::spawn(control.clone().follow_other_processes()),
    ];
    tokio::select! {
        () = listener.serve(router::router(app), limits, asked_to_end()) => {}
        // A server that does only half of its work must not look healthy: its supervisor starts it again.
        (ended, ..) = futures::future::select_all(loops) => bail!("a part of the server stopped: {ended:?}"),
    }
    control.keep_rates().await.map_err(plain)?;
    Ok(())
}

/// The version, and the time at which this binary's file was made. While sources are watched, the time of its start: pages then
/// reload after each change.
fn build() -> String {
    if std::env::var_os("LEPTOS_WATCH").is_some() {
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        return format!("{}{}", console::live::WATCHED, started.as_micros());
    }
    let made = std::env::current_exe().and_then(|exe| exe.metadata()).and_then(|file| file.modified()).ok();
    let seconds = made.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
    format!("{}-{seconds}", env!("CARGO_PKG_VERSION"))
}

/// Waits for SIGTERM or Ctrl-C. Requests in flight get five seconds, since event streams would never end on their own.
async fn asked_to_end() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    tracing::info!("asked to end: finishing the requests in flight; sessions keep running");
    tokio::spawn(async {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        std::process::exit(0);
    });
}
