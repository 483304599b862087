//! An HTTP/1.1 server on loopback that sends scripted responses and can misbehave.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The number of the connection it came on, from zero.
    pub(crate) connection: usize,
}

impl Request {
    /// A header by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }
}

/// A response, and how it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    delay: Duration,
    pace: Pace,
}

#[derive(Clone, Copy, Debug)]
enum Pace {
    /// The whole response at once.
    Whole,
    /// The first bytes of the body, and then nothing.
    StallAfter(usize),
    /// The first bytes of the body, and then the connection closes.
    BreakAfter(usize),
    /// Nothing: the connection closes.
    Close,
    /// The body as raw bytes, one at a time after a pause if there is one, and then the connection closes.
    Raw(Option<Duration>),
    /// The body as raw bytes, with the part from this byte on repeated while the peer reads.
    Endless(usize),
}

impl Reply {
    /// A 200 response with this body.
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(body)
    }

    /// A 200 response with this JSON.
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::ok(body.to_string()).header("Content-Type", "application/json")
    }

    /// A response without a body.
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), delay: Duration::ZERO, pace: Pace::Whole }
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before it answers.
    pub(crate) fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Stops in the middle of the body and keeps the connection open.
    pub(crate) fn stalling_after(mut self, bytes: usize) -> Self {
        self.pace = Pace::StallAfter(bytes);
        self
    }

    /// Closes the connection in the middle of the body.
    pub(crate) fn broken_after(mut self, bytes: usize) -> Self {
        self.pace = Pace::BreakAfter(bytes);
        self
    }

    /// Closes the connection without an answer.
    pub(crate) fn closed() -> Self {
        Self { pace: Pace::Close, ..Self::status(200) }
    }

    /// These raw bytes, and then the connection closes.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { pace: Pace::Raw(None), ..Self::ok(bytes) }
    }

    /// These bytes, one at a time with a pause before each.
    pub(crate) fn dripping(bytes: impl Into<Vec<u8>>, pause: Duration) -> Self {
        Self { pace: Pace::Raw(Some(pause)), ..Self::ok(bytes) }
    }

    /// A head, and then these bytes forever.
    pub(crate) fn endless(head: &str, bytes: &[u8]) -> Self {
        Self { pace: Pace::Endless(head.len()), ..Self::ok([head.as_bytes(), bytes].concat()) }
    }

    /// Sends the response; returns whether the connection can be used again.
    fn send(&self, stream: &mut TcpStream, stop: &Stop) -> std::io::Result<bool> {
        if stop.sleep(self.delay) || matches!(self.pace, Pace::Close) {
            return Ok(false);
        }
        match self.pace {
            Pace::Raw(None) => return stream.write_all(&self.body).map(|()| false),
            Pace::Raw(Some(pause)) => {
                for byte in &self.body {
                    if stop.sleep(pause) {
                        break;
                    }
                    stream.write_all(&[*byte])?;
                }
                return Ok(false);
            }
            Pace::Endless(head) => {
                stream.write_all(&self.body)?;
                while !stop.is_set() {
                    stream.write_all(&self.body[head..])?;
                }
                return Ok(false);
            }
            Pace::Whole | Pace::StallAfter(_) | Pace::BreakAfter(_) | Pace::Close => {}
        }
        let mut bytes = format!("HTTP/1.1 {} Status\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        write!(bytes, "Content-Length: {}\r\n\r\n", self.body.len())?;
        let sent = match self.pace {
            Pace::StallAfter(sent) | Pace::BreakAfter(sent) => sent.min(self.body.len()),
            _ => self.body.len(),
        };
        bytes.extend_from_slice(&self.body[..sent]);
        stream.write_all(&bytes)?;
        if matches!(self.pace, Pace::StallAfter(_)) {
            stop.wait();
        }
        Ok(matches!(self.pace, Pace::Whole))
    }
}

/// A server; dropping it stops it.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    handler: Box<dyn Fn(Request) -> Reply + Send + Sync>,
    stop: Stop,
    /// The number of connections so far, and the open ones.
    connections: AtomicUsize,
    open: Mutex<HashMap<usize, TcpStream>>,
}

impl Server {
    /// Listens on a free port and answers each request with what the handler returns. A handler that waits must stop
    /// waiting before the server is dropped.
    pub(crate) fn start(handler: impl Fn(Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            stop: Stop::default(),
            connections: AtomicUsize::default(),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = Some(std::thread::spawn(move || accepting.accept(&listener)));
        Self { address, shared, acceptor }
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Closes the open connections. New ones may follow at once.
    pub(crate) fn close_connections(&self) {
        self.shared.close();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.set();
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

impl Shared {
    /// Runs one thread per connection, and returns when all have ended.
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            if self.stop.is_set() {
                break;
            }
            let number = self.connections.fetch_add(1, Ordering::Relaxed);
            self.open.lock().unwrap().insert(number, stream.try_clone().unwrap());
            let serving = Arc::clone(self);
            // A long test makes more connections than a process may have threads.
            threads.retain(|thread: &JoinHandle<()>| !thread.is_finished());
            threads.push(std::thread::spawn(move || {
                // A client may disconnect at any time.
                drop(serving.serve(&stream, number));
                serving.open.lock().unwrap().remove(&number);
                drop(stream.shutdown(Shutdown::Both));
            }));
        }
        self.close();
        for thread in threads {
            drop(thread.join());
        }
    }

    fn close(&self) {
        for connection in self.open.lock().unwrap().values() {
            drop(connection.shutdown(Shutdown::Both));
        }
    }

    fn serve(&self, mut stream: &TcpStream, connection: usize) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream.try_clone()?;
        while let Some(request) = read_request(&mut reader)? {
            let reply = (self.handler)(Request { connection, ..request });
            if !reply.send(&mut writer, &self.stop)? {
                break;
            }
        }
        stream.flush()
    }
}

/// The next request on a connection; `None` if there is none.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut request = Request { method, target, headers: Vec::new(), body: Vec::new(), connection: 0 };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end_matches(['\r', '\n']).split_once(':') else {
            break;
        };
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    if let Some(length) = request.header("content-length") {
        request.body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut request.body)?;
    } else if request.header("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let mut chunk = vec![0; usize::from_str_radix(line.trim(), 16).unwrap()];
            reader.read_exact(&mut chunk)?;
            reader.read_line(&mut String::new())?;
            if chunk.is_empty() {
                break;
            }
            request.body.append(&mut chunk);
        }
    }
    Ok(Some(request))
}

/// A flag that threads can wait for.
#[derive(Default)]
struct Stop(Mutex<bool>, Condvar);

impl Stop {
    fn set(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn is_set(&self) -> bool {
        *self.0.lock().unwrap()
    }

    fn wait(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |set| !*set).unwrap());
    }

    /// Waits until the flag is set, or for this long; returns whether it is set.
    fn sleep(&self, duration: Duration) -> bool {
        let waited = self.1.wait_timeout_while(self.0.lock().unwrap(), duration, |set| !*set);
        *waited.unwrap().0
    }
}
