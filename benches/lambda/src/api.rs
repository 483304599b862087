//! A minimal Runtime API server: one thread, fixed answers, and a clock reading on both sides of a call.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The longest wait for a process.
const PATIENCE: Duration = Duration::from_secs(20);
const RUNTIME: &str = "/2018-06-01/runtime/";
const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

pub(crate) struct Api {
    listener: TcpListener,
    connections: Vec<Connection>,
    key_set: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    /// Whether it was opened for the Runtime API.
    runtime: bool,
    /// Whether the process has closed it.
    closed: bool,
}

/// A request of a process to the Runtime API.
pub(crate) enum Asked {
    Next,
    Response(Vec<u8>),
    Error(Vec<u8>),
}

/// A request that is waiting for its answer.
pub(crate) struct Request {
    connection: usize,
    pub(crate) asked: Asked,
    /// When its last byte was read.
    pub(crate) at: Instant,
}

impl Api {
    pub(crate) fn start(key_set: Vec<u8>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, connections: Vec::new(), key_set })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Forgets the last process; returns the number of connections that it opened to the Runtime API.
    pub(crate) fn hang_up(&mut self) -> usize {
        let opened = self.connections.iter().filter(|connection| connection.runtime).count();
        self.connections.clear();
        opened
    }

    /// Waits for the next request to the Runtime API, and serves requests for the key set.
    pub(crate) fn request(&mut self) -> io::Result<Request> {
        let patience = Instant::now() + PATIENCE;
        loop {
            for index in 0..self.connections.len() {
                let Some((target, body)) = self.connections[index].read()? else {
                    continue;
                };
                let at = Instant::now();
                let asked = match target.strip_prefix(RUNTIME) {
                    Some("invocation/next") => Asked::Next,
                    Some(target) if target.ends_with("/response") => Asked::Response(body),
                    Some(_) => Asked::Error(body),
                    None => {
                        let key_set = self.key_set.clone();
                        self.connections[index].write("200 OK", "", &key_set)?;
                        continue;
                    }
                };
                self.connections[index].runtime = true;
                return Ok(Request { connection: index, asked, at });
            }
            self.wait(patience)?;
        }
    }

    /// Answers a poll with an event; returns the time when it was sent.
    pub(crate) fn invoke(&mut self, request: &Request, event: &[u8]) -> io::Result<Instant> {
        let deadline =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default() + PATIENCE;
        let headers = format!(
            "Lambda-Runtime-Aws-Request-Id: {REQUEST_ID}\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:authorizer\r\n\
             Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n",
            deadline.as_millis()
        );
        self.connections[request.connection].write("200 OK", &headers, event)?;
        Ok(Instant::now())
    }

    /// Acknowledges an answer.
    pub(crate) fn accept(&mut self, request: &Request) -> io::Result<()> {
        self.connections[request.connection].write("202 Accepted", "", br#"{"status":"OK"}"#)
    }

    fn wait(&mut self, patience: Instant) -> io::Result<()> {
        let left = patience.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the process does not ask"));
        }
        let mut descriptors: Vec<_> = std::iter::once(self.listener.as_fd())
            .chain(self.connections.iter().filter(|connection| !connection.closed).map(|open| open.stream.as_fd()))
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
            .collect();
        poll(&mut descriptors, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX))?;
        let knocks = descriptors.first().is_some_and(|listener| listener.any() == Some(true));
        if knocks {
            let (stream, _) = self.listener.accept()?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            self.connections.push(Connection {
                stream,
                buffer: vec![0; 65_536],
                filled: 0,
                runtime: false,
                closed: false,
            });
        }
        Ok(())
    }
}

impl Connection {
    /// The target and body of a request, if it is complete.
    fn read(&mut self) -> io::Result<Option<(String, Vec<u8>)>> {
        if self.closed {
            return Ok(None);
        }
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => self.closed = true,
            Ok(read) => self.filled += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let request = &self.buffer[..self.filled];
        let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(&request[..end]);
        let mut length = 0;
        for line in head.lines() {
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap_or(0);
                }
                Some((name, _)) if name.eq_ignore_ascii_case("transfer-encoding") => {
                    return Err(io::Error::other("a body without a length"));
                }
                _ => {}
            }
        }
        let body = end + 4..end + 4 + length;
        let Some(content) = request.get(body.clone()) else {
            return Ok(None);
        };
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let found = (target, content.to_vec());
        self.buffer.copy_within(body.end..self.filled, 0);
        self.filled -= body.end;
        Ok(Some(found))
    }

    fn write(&mut self, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        // The response fits into the socket's buffer, so this does not block.
        self.stream.write_all(&[head.as_bytes(), body].concat())
    }
}
