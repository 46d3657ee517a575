//! No server outlives who started it.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    process::{Command, Stdio},
};

use clms_servers::Server;

/// Returns when the server at that address has ended: then nothing holds the other end of the connection any more.
fn wait_for_end(connection: &mut TcpStream) {
    let _ = connection.read_to_end(&mut Vec::new());
}

fn connect(address: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect(address.strip_prefix("http://").unwrap())
}

#[test]
fn it_ends_when_it_is_dropped() {
    let server = Server::plain_s3();
    let address = server.address().to_owned();
    connect(&address).unwrap();
    drop(server);
    assert!(connect(&address).is_err());
}

#[test]
fn it_ends_when_a_test_panics() {
    let (tell, told) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let server = Server::plain_s3();
        tell.send(server.address().to_owned()).unwrap();
        panic!("as tests do");
    })
    .join();
    assert!(panicked.is_err());
    assert!(connect(&told.recv().unwrap()).is_err());
}

#[test]
fn it_ends_when_its_process_is_killed() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_clms-servers"))
        .arg("plain-s3")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(program.stdout.take().unwrap());
    let lines = output.lines().map(Result::unwrap);
    let address = lines
        .filter_map(|line| {
            let value = line.strip_prefix("export AWS_ENDPOINT_URL='")?;
            Some(value.trim_end_matches('\'').to_owned())
        })
        .next()
        .unwrap();
    let mut connection = connect(&address).unwrap();
    // SIGKILL, on Unix: nothing of the program's own runs after that.
    program.kill().unwrap();
    program.wait().unwrap();
    wait_for_end(&mut connection);
}
