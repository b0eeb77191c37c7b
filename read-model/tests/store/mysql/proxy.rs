//! A wire between store and server that can be cut or go mute at a chosen moment.

use read_model::MysqlOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the wire does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Passes everything on.
    Open,
    /// Cuts the connection that says COMMIT, before the server hears it; then it is open again.
    CutBeforeCommit,
    /// Cuts the connection that said COMMIT, after the server has answered; then it is open again.
    CutAfterCommit,
    /// Passes on what says these words, and no answer to it; then it is `Withholding`.
    WithholdAfter(&'static str),
    /// Whoever said the words waits for the answer until the wire is open.
    Withholding,
    /// Passes nothing on, and closes nothing.
    Mute,
    /// The same for connections that were there before so many; later ones are well.
    MuteBefore(u32),
}

#[derive(Clone)]
pub(super) struct Proxy {
    mode: watch::Sender<Mode>,
    accepted: watch::Sender<u32>,
}

impl Proxy {
    /// A wire to the server of `options`, and the options to go through it, without TLS.
    pub(super) async fn before(options: &MysqlOptions) -> (Self, MysqlOptions) {
        Self::at("127.0.0.1", options, "ssl-mode=DISABLED").await
    }

    /// The same from another of this machine's names, with these parameters.
    pub(super) async fn at(
        host: &str,
        options: &MysqlOptions,
        parameters: &str,
    ) -> (Self, MysqlOptions) {
        let (login, rest) = options.url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self { mode: watch::Sender::new(Mode::Open), accepted: watch::Sender::new(0) };
        tokio::spawn(proxy.clone().listen(listener, server.to_owned()));
        let url = format!("{login}@{host}:{port}/{database}?{parameters}");
        (proxy, MysqlOptions { url, ..options.clone() })
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// All connections that there are fall mute.
    pub(super) fn mute_present(&self) {
        self.set(Mode::MuteBefore(*self.accepted.borrow()));
    }

    pub(super) async fn until(&self, mode: Mode) {
        self.mode.subscribe().wait_for(|now| *now == mode).await.unwrap();
    }

    async fn listen(self, listener: TcpListener, server: String) {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            let number = *self.accepted.borrow();
            self.accepted.send_replace(number + 1);
            tokio::spawn(self.clone().pass(client, server, number));
        }
    }

    async fn pass(self, mut client: TcpStream, mut server: TcpStream, number: u32) {
        let (mut question, mut answer) = ([0; 65_536], [0; 65_536]);
        loop {
            tokio::select! {
                read = client.read(&mut question) => {
                    let Ok(length @ 1..) = read else { return };
                    if self.hear(&question[..length], &mut server, number).await.is_err() {
                        return;
                    }
                }
                read = server.read(&mut answer) => {
                    let Ok(length @ 1..) = read else { return };
                    if client.write_all(&answer[..length]).await.is_err() { return }
                }
            }
        }
    }

    /// Passes on what the client said; an error cuts the connection.
    async fn hear(&self, said: &[u8], server: &mut TcpStream, number: u32) -> Result<(), ()> {
        // Not as in READ COMMITTED.
        let commits = said.ends_with(b"COMMIT");
        let mode = *self.mode.borrow();
        match mode {
            Mode::Mute => std::future::pending().await,
            Mode::MuteBefore(first) if number < first => std::future::pending().await,
            Mode::CutBeforeCommit if commits => {
                self.set(Mode::Open);
                return Err(());
            }
            Mode::Open
            | Mode::MuteBefore(_)
            | Mode::CutBeforeCommit
            | Mode::CutAfterCommit
            | Mode::WithholdAfter(_)
            | Mode::Withholding => server.write_all(said).await.map_err(drop)?,
        }
        if let Mode::WithholdAfter(words) = mode
            && said.windows(words.len()).any(|part| part == words.as_bytes())
        {
            self.set(Mode::Withholding);
            self.until(Mode::Open).await;
        }
        if mode == Mode::CutAfterCommit && commits {
            let mut answer = [0; 64];
            assert!(server.read(&mut answer).await.unwrap() > 0);
            self.set(Mode::Open);
            return Err(());
        }
        Ok(())
    }
}
