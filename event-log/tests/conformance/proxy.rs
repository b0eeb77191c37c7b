//! A way to the broker that can be blocked. It puts its own name in place of the broker's in what
//! the broker says, so that clients stay on it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The broker hears everything, and its answers do not pass.
    Mute,
    /// Nothing passes, but nobody hears of it.
    Stalled,
    /// Links are gone, and new ones are refused.
    Cut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    There,
    Back,
}

struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    links: Mutex<Vec<TcpStream>>,
    upstream: String,
    address: String,
}

/// The proxy. Its threads end with the test's process.
pub(crate) struct Proxy(Arc<Gate>);

impl Proxy {
    pub(crate) fn to(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Arc::new(Gate {
            state: Mutex::new(State::Open),
            changed: Condvar::new(),
            links: Mutex::default(),
            upstream,
            address: listener.local_addr().unwrap().to_string(),
        });
        let accepting = Arc::clone(&gate);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.link(client);
            }
        });
        Self(gate)
    }

    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    /// From now on answers do not pass.
    pub(crate) fn mute(&self) {
        self.0.set(State::Mute);
    }

    /// From now on nothing passes.
    pub(crate) fn stall(&self) {
        self.0.set(State::Stalled);
    }

    /// From now on there are no links.
    pub(crate) fn cut(&self) {
        self.0.set(State::Cut);
        for link in self.0.links.lock().unwrap().drain(..) {
            // It may be gone already.
            drop(link.shutdown(Shutdown::Both));
        }
    }

    /// Everything passes again.
    pub(crate) fn mend(&self) {
        self.0.set(State::Open);
    }
}

impl Gate {
    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    /// Waits while nothing passes in this direction. Whether anything may pass at all.
    fn passes(&self, direction: Direction) -> bool {
        let is_held = |state: &mut State| match *state {
            State::Stalled => true,
            State::Mute => direction == Direction::Back,
            State::Open | State::Cut => false,
        };
        let state = self.changed.wait_while(self.state.lock().unwrap(), is_held).unwrap();
        *state != State::Cut
    }

    fn link(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(&self.upstream) else { return };
        let copy = |stream: &TcpStream| stream.try_clone().unwrap();
        {
            // Held together, or a link could be made that no cut finds.
            let state = self.state.lock().unwrap();
            if *state == State::Cut {
                return;
            }
            self.links.lock().unwrap().extend([copy(&client), copy(&server)]);
        }
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        let (from, to) = (copy(&client), copy(&server));
        thread::spawn(move || there.carry((from, to), Direction::There, |_| {}));
        thread::spawn(move || {
            let (broker, own) = (name(&back.upstream), name(&back.address));
            back.carry((server, client), Direction::Back, |frame| replace(frame, &broker, &own));
        });
    }

    /// Frame by frame: a length of four bytes, then so many.
    fn carry(
        &self,
        (mut from, mut to): (TcpStream, TcpStream),
        direction: Direction,
        change: impl Fn(&mut [u8]),
    ) {
        let mut length = [0; 4];
        while from.read_exact(&mut length).is_ok() {
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            if from.read_exact(&mut frame).is_err() || !self.passes(direction) {
                break;
            }
            change(&mut frame);
            if to.write_all(&length).and_then(|()| to.write_all(&frame)).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    }
}

/// How a broker names one: the host as text, then the port in four bytes.
fn name(address: &str) -> Vec<u8> {
    let (host, port) = address.rsplit_once(':').unwrap();
    let port: u32 = port.parse().unwrap();
    [host.as_bytes(), &port.to_be_bytes()].concat()
}

fn replace(frame: &mut [u8], broker: &[u8], own: &[u8]) {
    assert_eq!(broker.len(), own.len(), "lengths within the frame must stay");
    let places: Vec<usize> = (0..frame.len().saturating_sub(broker.len() - 1))
        .filter(|place| frame[*place..].starts_with(broker))
        .collect();
    for place in places {
        frame[place..place + own.len()].copy_from_slice(own);
    }
}
