//! A client of a cluster that does just what the scripts need.

use std::{
    collections::{HashMap, hash_map::Entry},
    io, thread,
    time::{Duration, Instant},
};

use super::{
    resp::{Connection, Value},
    scripts::{Script, slot},
};

/// How long a call goes on while the cluster has no master for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers of a server that did not run the script.
const PASSING: [&str; 5] = ["MOVED", "NOSCRIPT", "CLUSTERDOWN", "LOADING", "TRYAGAIN"];

/// One run of a script, in the slot of its first key.
pub(crate) struct Call<'a> {
    pub(crate) script: &'a Script,
    pub(crate) keys: Vec<String>,
    pub(crate) arguments: Vec<Vec<u8>>,
    /// Whether it may be run again where it may have been run.
    pub(crate) may_repeat: bool,
}

/// Connections to the masters, and who has which slot.
pub(crate) struct Client {
    seeds: Vec<u16>,
    slots: HashMap<usize, u16>,
    connections: HashMap<u16, Connection>,
    /// How often a server said that another one has the slot.
    pub(crate) moved: usize,
}

impl Client {
    pub(crate) fn new(seeds: Vec<u16>) -> Self {
        Self { seeds, slots: HashMap::new(), connections: HashMap::new(), moved: 0 }
    }

    /// Runs all of them, each server's at once.
    pub(crate) fn run(&mut self, calls: &[Call<'_>]) -> Vec<Result<Value, String>> {
        let mut waiting: Vec<(usize, u16)> = Vec::new();
        let mut sent: HashMap<usize, io::Result<()>> = HashMap::new();
        for (index, call) in calls.iter().enumerate() {
            let port = self.port(call);
            let answer = self.connection(port).and_then(|to| to.send(&call.by_name()));
            sent.insert(index, answer);
            waiting.push((index, port));
        }
        let mut answers = Vec::new();
        for (index, port) in waiting {
            let received = match sent.remove(&index).unwrap() {
                Ok(()) => self.receive(port),
                Err(error) => Err(error),
            };
            answers.push(received);
        }
        let again = |(call, answer)| self.settle(call, answer);
        calls.iter().zip(answers).map(again).collect()
    }

    /// Goes on with a call until there is an answer to it.
    fn settle(&mut self, call: &Call<'_>, mut answer: io::Result<Value>) -> Result<Value, String> {
        let begun = Instant::now();
        loop {
            let why = match answer {
                Ok(Value::Error(why)) if PASSING.iter().any(|code| why.starts_with(code)) => why,
                Ok(Value::Error(why)) => return Err(why),
                Ok(value) => return Ok(value),
                Err(error) => error.to_string(),
            };
            let is_known_not_to_have_run = PASSING.iter().any(|code| why.starts_with(code));
            if !(call.may_repeat || is_known_not_to_have_run) || begun.elapsed() > PATIENCE {
                self.look_again(call);
                return Err(why);
            }
            let by_name = !why.starts_with("NOSCRIPT");
            match why.strip_prefix("MOVED ").and_then(|to| to.rsplit_once(':')) {
                Some((_, port)) => {
                    self.moved += 1;
                    self.slots.insert(slot(&call.keys[0]), port.parse().unwrap());
                }
                None if by_name => self.look_again(call),
                None => {}
            }
            answer = self.once(call, by_name);
        }
    }

    /// Asks another server where the slot is; the answer is followed.
    fn look_again(&mut self, call: &Call<'_>) {
        thread::sleep(Duration::from_millis(20));
        self.seeds.rotate_left(1);
        let port = self.seeds[0];
        self.slots.insert(slot(&call.keys[0]), port);
    }

    fn once(&mut self, call: &Call<'_>, by_name: bool) -> io::Result<Value> {
        let port = self.port(call);
        let command = if by_name { call.by_name() } else { call.whole() };
        self.connection(port)?.send(&command)?;
        self.receive(port)
    }

    pub(crate) fn port(&self, call: &Call<'_>) -> u16 {
        *self.slots.get(&slot(&call.keys[0])).unwrap_or(&self.seeds[0])
    }

    fn connection(&mut self, port: u16) -> io::Result<&mut Connection> {
        Ok(match self.connections.entry(port) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(none) => none.insert(Connection::open(port)?),
        })
    }

    fn receive(&mut self, port: u16) -> io::Result<Value> {
        let answer = match self.connections.get_mut(&port) {
            Some(from) => from.receive(),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        if answer.is_err() {
            self.connections.remove(&port);
        }
        answer
    }
}

impl Call<'_> {
    fn by_name(&self) -> Vec<Vec<u8>> {
        self.command("EVALSHA", &self.script.sha)
    }

    fn whole(&self) -> Vec<Vec<u8>> {
        self.command("EVAL", &self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Vec<Vec<u8>> {
        let count = self.keys.len().to_string();
        let head = [name, script, &count].map(|word| word.as_bytes().to_vec());
        let keys = self.keys.iter().map(|key| key.as_bytes().to_vec());
        head.into_iter().chain(keys).chain(self.arguments.iter().cloned()).collect()
    }
}
