//! nginx: it does not look at gateways by itself, and is told of a new one by a reload.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use switchboard_client::{Connection, Options};
use switchboard_local::{Gateway, Nginx};
use switchboard_testkit::{GatewayProcess, RedisServer};

use crate::stage::{BINARY, Clients, Stage, drain_first, show};

fn addresses(gateways: &[Gateway]) -> Vec<SocketAddr> {
    gateways.iter().map(Gateway::listen).collect()
}

/// No client saw anything but that it is let in; how often nginx had to try another gateway first.
fn tried_again(nginx: &Nginx) -> usize {
    let ended = nginx.ended().unwrap();
    let others: Vec<_> = ended.iter().filter(|(_, told)| told != "101").collect();
    assert!(others.is_empty(), "{others:?}");
    ended.iter().filter(|(tried, _)| tried != "101").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_drains_and_another_one_is_added_behind_nginx() {
    let mut stage = Stage::start(3, 3000);
    let mut nginx = Nginx::start(&addresses(&stage.gateways), stage.folder()).unwrap();
    let clients = Clients::through(nginx.public()).await;
    let first = stage.spread();
    show("nginx, three gateways", &first);
    assert_eq!(first, [10, 10, 10]);

    let (came, welcomed) = drain_first(&mut stage, &clients, nginx.public()).await;
    let again = tried_again(&nginx);
    println!(
        "nginx, gw-1 drains after 3 s of grace: of {came} that came meanwhile {welcomed} came to gw-1; nginx tried another \
         gateway for {again}"
    );

    let before = clients.connections();
    stage.add();
    nginx.reload(&addresses(&stage.gateways[1..])).unwrap();
    clients.settle().await;
    assert_eq!(
        clients.connections(),
        before,
        "old workers keep their sockets"
    );
    assert!(!nginx.workers().1.is_empty());
    let uneven = stage.settled_spread().await;
    show("nginx, gw-1 gone and gw-4 added by a reload", &uneven);
    assert_eq!(uneven[3], 0, "nobody moves by himself");
    for share in ["33%", "100%"] {
        stage.move_share(&[1, 2], share);
        clients.settle().await;
        let spread = stage.settled_spread().await;
        show(
            &format!("nginx, after drain --share {share} on gw-2 and gw-3"),
            &spread,
        );
        assert!(spread[3] > 0, "{spread:?}");
    }
    clients.end_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_grace_nobody_comes_to_a_gateway_behind_nginx_that_drains() {
    let mut stage = Stage::start(3, 0);
    let nginx = Nginx::start(&addresses(&stage.gateways), stage.folder()).unwrap();
    let clients = Clients::through(nginx.public()).await;
    let (came, welcomed) = drain_first(&mut stage, &clients, nginx.public()).await;
    let again = tried_again(&nginx);
    println!(
        "nginx, gw-1 drains without grace: of {came} that came meanwhile {welcomed} came to gw-1; nginx tried another gateway \
         for {again}"
    );
    // One may come before the signal does.
    assert!(came > 1 && welcomed <= 1, "{welcomed} of {came}");
    clients.end_well().await;
}

/// Where everything is on one port, that stays open while a gateway drains.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_answers_503_is_passed_over_by_nginx() {
    let redis = RedisServer::start();
    let url = format!("redis.url={}", redis.url());
    let settings = ["drain.grace_ms=0", "drain.deadline_ms=60000", &*url];
    let gateways = [(); 2].map(|()| GatewayProcess::start_ready(BINARY, &settings));
    let folder = tempfile::tempdir().unwrap();
    let addresses: Vec<_> = gateways.iter().map(GatewayProcess::address).collect();
    let nginx = Nginx::start(&addresses, folder.path()).unwrap();
    // Does not hear that it should go, and holds the drain up.
    let (_staying, welcome) = Connection::open(&Options::new(gateways[0].url()))
        .await
        .unwrap();
    gateways[0].terminate();
    while Connection::open(&Options::new(gateways[0].url()))
        .await
        .is_ok()
    {}
    let public = format!("ws://{}", nginx.public());
    for _ in 0..10 {
        let (_, elsewhere) = Connection::open(&Options::new(&*public)).await.unwrap();
        assert_ne!(elsewhere.node, welcome.node);
    }
    gateways[1].wait_until("tried after the other one", |_| {
        let ended = nginx.ended().unwrap();
        ended
            .iter()
            .any(|(tried, told)| tried == "503, 101" && told == "101")
    });
    assert!(nginx.ended().unwrap().iter().all(|(_, told)| told == "101"));
}

/// By `Host` and `X-Forwarded-Proto` a gateway tells whether a page comes from the address that it connects to.
#[test]
fn gateways_behind_nginx_hear_which_host_and_scheme_the_page_has() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let nginx = Nginx::start(&[gateway.local_addr().unwrap()], folder.path()).unwrap();
    for (said, scheme) in [("", "http"), ("X-Forwarded-Proto: https\r\n", "https")] {
        let mut client = TcpStream::connect(nginx.public()).unwrap();
        write!(
            client,
            "GET / HTTP/1.1\r\nHost: call.example.com:8443\r\n{said}\r\n"
        )
        .unwrap();
        let (came, _) = gateway.accept().unwrap();
        let lines = BufReader::new(came).lines().map(Result::unwrap);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let scheme = format!("X-Forwarded-Proto: {scheme}");
        for wanted in ["Host: call.example.com:8443", &scheme] {
            assert!(head.iter().any(|line| line == wanted), "{wanted}: {head:?}");
        }
    }
}
