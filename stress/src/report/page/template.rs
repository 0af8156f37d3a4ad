//! The report as one page without scripts: plots, and the figures as tables. How it looks stands in
//! `templates/`.

use askama::Template;

use super::{
    causes::{Cause, causes},
    charts,
    plot::{INK, MESH, Plot, SERIES, hex},
    tables::{Table, tables},
    tiles::{Tile, overview},
};
use crate::report::{findings::Report, sections::verdict::Finding};

/// What the template shows, in its order.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: String,
    /// Colours in drawings, each with the name of its tone.
    tones: Vec<(String, String)>,
    is_success: bool,
    result: &'static str,
    findings: &'a [Finding],
    tiles: Vec<Tile>,
    plots: Vec<Plot>,
    causes: Vec<Cause<'a>>,
    tables: Vec<Table>,
}

/// The whole page.
pub(crate) fn page(report: &Report<'_>) -> String {
    let interrupted = if report.interrupted { ", interrupted" } else { "" };
    let page = Page {
        title: format!("holdfast stress {}{interrupted}", report.scenario),
        tones: tones(),
        is_success: report.is_success(),
        result: report.result(),
        findings: &report.findings,
        tiles: overview(report),
        plots: charts::of(report),
        causes: causes(report),
        tables: tables(report),
    };
    page.render().expect("writing to memory does not fail") + "\n"
}

/// The tone of every colour that plots are drawn in.
fn tones() -> Vec<(String, String)> {
    let series = SERIES.iter().enumerate();
    let series = series.map(|(index, color)| (*color, format!("series-{}", index + 1)));
    let others = [(INK, "ink".into()), (MESH, "mesh".into())];
    others.into_iter().chain(series).map(|(color, tone)| (hex(color), tone)).collect()
}

#[cfg(test)]
mod tests;
