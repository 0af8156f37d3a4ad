//! What a Redis server is asked, and what it answers (RESP 2).

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    Number(i64),
    Text(Vec<u8>),
    List(Vec<Value>),
    Error(String),
}

impl Value {
    pub(crate) fn list(self) -> Vec<Value> {
        match self {
            Self::List(values) => values,
            other => panic!("no list: {other:?}"),
        }
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Text(bytes) => bytes,
            other => panic!("no text: {other:?}"),
        }
    }

    pub(crate) fn text(self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// A number, as one or in text.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Number(number) => number as u64,
            other => other.text().parse().unwrap(),
        }
    }
}

/// A connection to one server of this machine.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_nodelay(true)?;
        // A server that was stopped answers nothing.
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self(BufReader::new(socket)))
    }

    pub(crate) fn send(&mut self, command: &[Vec<u8>]) -> io::Result<()> {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for part in command {
            bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            bytes.extend_from_slice(part);
            bytes.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&bytes)
    }

    pub(crate) fn receive(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (kind, rest) = line.trim_end().split_at(1);
        let number =
            || rest.parse::<i64>().map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        Ok(match kind {
            "+" => Value::Text(rest.into()),
            "-" => Value::Error(rest.into()),
            ":" => Value::Number(number()?),
            "$" => match number()? {
                -1 => Value::Nothing,
                length => {
                    let mut bytes = vec![0; length as usize + 2];
                    self.0.read_exact(&mut bytes)?;
                    bytes.truncate(length as usize);
                    Value::Text(bytes)
                }
            },
            "*" => match number()? {
                -1 => Value::Nothing,
                length => {
                    Value::List((0..length).map(|_| self.receive()).collect::<io::Result<_>>()?)
                }
            },
            _ => return Err(io::ErrorKind::InvalidData.into()),
        })
    }

    /// Asks, in words without spaces.
    pub(crate) fn ask(&mut self, command: &str) -> io::Result<Value> {
        self.send(&command.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())?;
        self.receive()
    }
}
