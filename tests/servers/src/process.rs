//! A server's process: started, asked where it listens, and never left behind.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

/// How long is waited for what a server shall say.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a server until the shell's own input ends, which it does when its parent ends, however that comes about.
const UNTIL_INPUT_ENDS: &str = r#"
"$@" 2>&1 &
server=$!
exec >/dev/null 2>&1
cat
kill -9 "$server"
wait "$server"
"#;

/// A running server. Dropping it ends the server; so does the end of this process, even by SIGKILL.
#[derive(Debug)]
pub(crate) struct Process {
    shell: Child,
    input: Option<ChildStdin>,
    said: Arc<Said>,
}

/// What a server has said, line by line.
#[derive(Debug, Default)]
struct Said {
    text: Mutex<String>,
    more: Condvar,
}

impl Said {
    fn add(&self, line: &str) {
        self.text.lock().unwrap().push_str(line);
        self.more.notify_all();
    }
}

impl Process {
    /// Starts a server, and waits until it says the `http://127.0.0.1:<port>` where it listens.
    ///
    /// # Panics
    /// With all that the server said, if it ends before it listens.
    pub(crate) fn start(server: &Command) -> (Self, String) {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", UNTIL_INPUT_ENDS, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        for (name, value) in server.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let mut shell = shell.spawn().unwrap();
        let input = shell.stdin.take();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        let said = Arc::default();
        let process = Self { shell, input, said };
        let address = loop {
            let mut line = String::new();
            let length = output.read_line(&mut line).unwrap();
            process.said.add(&line);
            assert!(
                length > 0,
                "{server:?} ended before it listened:\n{}",
                process.said()
            );
            if let Some(address) = listening(&line) {
                break address;
            }
        };
        let said = Arc::clone(&process.said);
        thread::spawn(move || {
            // A server whose words nobody reads would stop in the middle of one.
            for line in output.lines().map_while(Result::ok) {
                said.add(&format!("{line}\n"));
            }
        });
        (process, address)
    }

    /// All that the server has said until now.
    pub(crate) fn said(&self) -> String {
        self.said.text.lock().unwrap().clone()
    }

    /// Waits until the server has said something that `is_it`.
    ///
    /// # Panics
    /// With all that the server said, if that takes longer than anybody would wait.
    pub(crate) fn wait_until_said(&self, is_it: impl Fn(&str) -> bool) {
        let text = self.said.text.lock().unwrap();
        let (text, waited) = self
            .said
            .more
            .wait_timeout_while(text, PATIENCE, |text| !is_it(text))
            .unwrap();
        assert!(!waited.timed_out(), "the server only said:\n{text}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.shell.wait();
    }
}

/// The address in a line such as `Starting s3 server on [http://127.0.0.1:4711/]`; none if the port is not known yet.
fn listening(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("http://127.0.0.1:")?;
    let port: u16 = rest
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()?;
    (port != 0).then(|| format!("http://127.0.0.1:{port}"))
}
