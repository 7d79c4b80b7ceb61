//! What the gateways' own metrics said of an upgrade, as a picture.

mod panel;

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::metrics::Reading;
use crate::moves::expected;
use crate::run::Upgrade;
use crate::watch::Curve;
use panel::{Area, Drawn, FONT, INK, Panel, QUIET, shade};

const SIZE: (u32, u32) = (1280, 960);
const HEADING: u32 = 116;
/// The heights of the upper panels; the last one has the rest.
const SESSIONS: u32 = 330;
const DRAINS: u32 = 230;

/// Draws, over time, the sessions of each gateway, what its drain waited for, and the moves of all clients.
///
/// # Errors
///
/// The file cannot be written.
pub fn draw(upgrade: &Upgrade, path: &Path) -> Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    picture(upgrade, &root).map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))
}

fn picture(upgrade: &Upgrade, root: &Area<'_>) -> Drawn {
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(HEADING);
    let (sessions, rest) = rest.split_vertically(SESSIONS);
    let (drains, moves) = rest.split_vertically(DRAINS);
    let curves = &upgrade.curves;
    let times = curves
        .iter()
        .flat_map(|curve| &curve.readings)
        .map(|(at, _)| *at);
    let end = times.fold(1.0, f64::max);
    heading(upgrade, &top)?;
    draw_sessions(upgrade, &sessions, end)?;
    draw_drains(upgrade, &drains, end)?;
    draw_moves(upgrade, &moves, end)?;
    root.present()?;
    Ok(())
}

fn heading(upgrade: &Upgrade, area: &Area<'_>) -> Drawn {
    let account = &upgrade.account;
    let (gateways, balance) = (upgrade.gateways, upgrade.balance.name());
    let mut title = format!("{gateways} gateways behind {balance} are replaced one by one");
    if upgrade.from != upgrade.to {
        title += &format!(": {} to {}", upgrade.from, upgrade.to);
    }
    let facts = format!(
        "{} clients sent {} signals: {} lost, {} repeated, {} out of order; seen away {} times",
        account.reconnects.len(),
        account.sent,
        account.lost,
        account.repeated,
        account.out_of_order,
        account.away_seen,
    );
    area.draw(&Text::new(
        title,
        (24, 18),
        (FONT, 28).into_font().color(&INK),
    ))?;
    area.draw(&Text::new(
        facts,
        (24, 54),
        (FONT, 17).into_font().color(&QUIET),
    ))?;
    legend(upgrade, area)
}

/// The colour of each gateway, in one row.
fn legend(upgrade: &Upgrade, area: &Area<'_>) -> Drawn {
    let (y, mut x) = (94, 24);
    let width = i32::try_from(SIZE.0)? - 2 * x;
    let apart = width / i32::try_from(upgrade.curves.len().max(12))?;
    for (curve, colour) in lines(upgrade) {
        let sample = [(x, y), (x + 22, y)];
        area.draw(&PathElement::new(sample, colour.stroke_width(5)))?;
        let font = (FONT, 15).into_font().color(&INK);
        area.draw(&Text::new(curve.name.clone(), (x + 28, y - 7), font))?;
        x += apart;
    }
    Ok(())
}

/// Each gateway's curve with its colour. Those that were there from the start are the first.
fn lines(upgrade: &Upgrade) -> impl Iterator<Item = (&Curve, RGBColor)> {
    let count = upgrade.gateways;
    let curves = upgrade.curves.iter().enumerate();
    curves.map(move |(index, curve)| (curve, shade(index >= count, index % count.max(1), count)))
}

fn highest(upgrade: &Upgrade, of: fn(&Reading) -> f64) -> f64 {
    let readings = upgrade.curves.iter().flat_map(|curve| &curve.readings);
    readings.map(|(_, reading)| of(reading)).fold(1.0, f64::max)
}

fn draw_sessions(upgrade: &Upgrade, area: &Area<'_>, end: f64) -> Drawn {
    let panel = Panel {
        title: "Sessions of each gateway",
        end,
        top: highest(upgrade, |reading| reading.sessions) * 1.15,
        decimals: 0,
        is_last: false,
    };
    let mut chart = panel.on(area)?;
    for (curve, colour) in lines(upgrade) {
        let readings = curve.readings.iter();
        let points = readings.map(|(at, reading)| (*at, reading.sessions));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(3)))?;
    }
    Ok(())
}

fn draw_drains(upgrade: &Upgrade, area: &Area<'_>, end: f64) -> Drawn {
    let panel = Panel {
        title: "Connections that a drain still waits for",
        end,
        top: highest(upgrade, |reading| reading.remaining) * 1.15,
        decimals: 0,
        is_last: false,
    };
    let mut chart = panel.on(area)?;
    for (curve, colour) in lines(upgrade) {
        let draining = curve
            .readings
            .iter()
            .filter(|(_, reading)| reading.share > 0.0);
        let points: Vec<_> = draining
            .map(|(at, reading)| (*at, reading.remaining))
            .collect();
        let filled = AreaSeries::new(points, 0.0, colour.mix(0.2));
        chart.draw_series(filled.border_style(colour.stroke_width(3)))?;
    }
    Ok(())
}

/// All clients' moves so far, beside what the formula says of the end.
fn draw_moves(upgrade: &Upgrade, area: &Area<'_>, end: f64) -> Drawn {
    let formula = expected(upgrade.balance, upgrade.gateways);
    let points = moves(upgrade);
    let most = points
        .iter()
        .map(|(_, moves)| *moves)
        .fold(formula, f64::max);
    let panel = Panel {
        title: "Moves per client so far",
        end,
        top: most * 1.3,
        decimals: 1,
        is_last: true,
    };
    let mut chart = panel.on(area)?;
    let ends = [(0.0, formula), (end, formula)];
    chart.draw_series(DashedLineSeries::new(ends, 8, 6, QUIET.stroke_width(2)))?;
    chart.draw_series([Text::new(
        format!("by the formula: {formula:.2}"),
        (end * 0.01, formula + most * 0.16),
        (FONT, 15).into_font().color(&QUIET),
    )])?;
    chart.draw_series(LineSeries::new(points, INK.stroke_width(3)))?;
    Ok(())
}

/// Over time: how many sessions have come to a gateway from another one, for each client. Gateways that were there from the
/// start may have counted others before.
fn moves(upgrade: &Upgrade) -> Vec<(f64, f64)> {
    let clients = (upgrade.account.reconnects.len() + upgrade.people.len()).max(1) as f64;
    let mut steps = Vec::new();
    for (index, curve) in upgrade.curves.iter().enumerate() {
        let first = curve.readings.first().map_or(0.0, |(_, first)| first.came);
        let mut before = if index < upgrade.gateways { first } else { 0.0 };
        for (at, reading) in &curve.readings {
            steps.push((*at, reading.came - before));
            before = reading.came;
        }
    }
    steps.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let sums = steps.into_iter().scan(0.0, |sum, (at, more)| {
        *sum += more;
        Some((at, *sum / clients))
    });
    sums.collect()
}
