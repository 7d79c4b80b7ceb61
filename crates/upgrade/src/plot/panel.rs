//! One chart over time, and its colours.

use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

pub(super) const FONT: &str = "sans-serif";
pub(super) const INK: RGBColor = RGBColor(0x1f, 0x24, 0x30);
pub(super) const QUIET: RGBColor = RGBColor(0x6b, 0x72, 0x80);
const FAINT: RGBColor = RGBColor(0xe3, 0xe6, 0xec);

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Chart<'a> =
    ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
pub(super) type Drawn<T = ()> = Result<T, Box<dyn Error>>;

/// How one looks.
pub(super) struct Panel {
    pub(super) title: &'static str,
    /// Seconds.
    pub(super) end: f64,
    /// The highest value.
    pub(super) top: f64,
    /// Of the values that are written beside it.
    pub(super) decimals: usize,
    /// Seconds are written below the last one only.
    pub(super) is_last: bool,
}

impl Panel {
    /// Its frame, with nothing in it.
    pub(super) fn on<'a>(&self, area: &Area<'a>) -> Drawn<Chart<'a>> {
        let mut chart = ChartBuilder::on(area)
            .margin_left(16)
            .margin_right(32)
            .margin_top(10)
            .caption(self.title, (FONT, 19).into_font().color(&INK))
            .x_label_area_size(if self.is_last { 52 } else { 12 })
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..self.end, 0.0..self.top)?;
        let decimals = self.decimals;
        let value_label = |value: &f64| format!("{value:.decimals$}");
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .axis_style(QUIET)
            .label_style((FONT, 15).into_font().color(&QUIET))
            .x_labels(if self.is_last { 12 } else { 0 })
            .y_labels(5)
            .x_label_formatter(&|at| format!("{at:.0}"))
            .y_label_formatter(&value_label);
        if self.is_last {
            mesh.x_desc("seconds since clients came")
                .axis_desc_style((FONT, 16).into_font().color(&QUIET));
        }
        mesh.draw()?;
        drop(mesh);
        Ok(chart)
    }
}

/// The colour of one of several gateways: those that are replaced are warm, those that replace them cold.
pub(super) fn shade(is_new: bool, index: usize, count: usize) -> RGBColor {
    const OLD: [RGBColor; 2] = [RGBColor(0x9a, 0x34, 0x12), RGBColor(0xfb, 0xbf, 0x24)];
    const NEW: [RGBColor; 2] = [RGBColor(0x1e, 0x3a, 0x8a), RGBColor(0x38, 0xbd, 0xf8)];
    let [first, last] = if is_new { NEW } else { OLD };
    let part = index as f64 / (count.max(2) - 1) as f64;
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part) as u8;
    RGBColor(
        mix(first.0, last.0),
        mix(first.1, last.1),
        mix(first.2, last.2),
    )
}
