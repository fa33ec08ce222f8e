//! How many requests a command sends to the engine: a relay on a socket of its own that counts what passes.

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{UnixListener, UnixStream};

/// A relay in front of the engine. It ends with the process.
pub struct Counted {
    socket: PathBuf,
    seen: Arc<AtomicUsize>,
}

impl Counted {
    /// Listens in `folder`, in a thread of its own.
    pub fn in_front_of(engine: &Path, folder: &Path) -> Self {
        let socket = folder.join("counted.sock");
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = Self { socket: socket.clone(), seen: Arc::clone(&seen) };
        let engine = engine.to_owned();
        let (ready, listening) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = UnixListener::bind(&socket).expect("a socket");
                ready.send(()).expect("somebody waits");
                let local = tokio::task::LocalSet::new();
                local.run_until(serve(listener, engine, seen)).await;
            });
        });
        listening.recv().expect("the relay listens");
        counted
    }

    /// Where the relay listens, as `DOCKER_HOST` says it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// How many requests passed since the last time this was asked.
    pub fn take(&self) -> usize {
        self.seen.swap(0, Ordering::SeqCst)
    }
}

async fn serve(listener: UnixListener, engine: PathBuf, seen: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (engine, seen) = (engine.clone(), Arc::clone(&seen));
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| {
                seen.fetch_add(1, Ordering::SeqCst);
                relay(engine.clone(), request)
            });
            // A client that goes away in the middle of a stream is nothing to report.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

async fn relay(engine: PathBuf, request: Request<Incoming>) -> hyper::Result<Response<Incoming>> {
    let stream = UnixStream::connect(engine).await.expect("the engine answers");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    sender.send_request(request).await
}
