//! The report as one page without scripts: plots, and the figures as tables.

mod charts;
mod tables;

use std::fmt::Write;

use super::{
    Report,
    plot::{INK, MESH, Plot, SERIES, hex},
};

const STYLE: &str = include_str!("html/style.css");

/// The whole page.
pub(super) fn page(report: &Report<'_>) -> String {
    let (verdict, class) = match report.is_success() {
        true => ("all well", "good"),
        false => ("failed", "bad"),
    };
    let interrupted = if report.interrupted { ", interrupted" } else { "" };
    let title = escape(&format!("holdfast stress {}{interrupted}", report.scenario));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{}</style></head>\n<body><main>\n\
         <h1>{title} <span class=\"verdict {class}\">{verdict}</span></h1>\n",
        roles(),
    );
    page.push_str(&tables::overview(report));
    page.push_str("<div class=\"plots\">\n");
    for plot in charts::of(report).iter().filter(|plot| !plot.is_empty()) {
        page.push_str(&figure(plot));
    }
    page.push_str("</div>\n");
    page.push_str(&tables::all(report));
    page.push_str("</main></body></html>\n");
    page
}

/// Gives every colour that plots are drawn in the tone of its role.
fn roles() -> String {
    let mut css = String::new();
    let series = SERIES.iter().enumerate();
    let series = series.map(|(index, color)| (*color, format!("series-{}", index + 1)));
    for (color, role) in [(INK, "ink".into()), (MESH, "mesh".into())].into_iter().chain(series) {
        let color = hex(color);
        // Writing to memory does not fail.
        let _ = writeln!(
            css,
            "svg [fill=\"{color}\"] {{ fill: var(--{role}) }} \
             svg [stroke=\"{color}\"] {{ stroke: var(--{role}) }}"
        );
    }
    css
}

fn figure(plot: &Plot) -> String {
    let drawing = plot.svg().unwrap_or_else(|error| format!("<p>{}</p>", escape(&error)));
    let mut legend = String::new();
    for (index, line) in plot.lines.iter().enumerate() {
        let tone = index % SERIES.len() + 1;
        let name = escape(&line.name);
        let _ =
            write!(legend, "<span><i style=\"background: var(--series-{tone})\"></i>{name}</span>");
    }
    let title = plot.title;
    format!(
        "<figure role=\"img\" aria-label=\"{title}\"><h2>{title}</h2>\n\
         <div class=\"legend\">{legend}</div>\n{drawing}</figure>\n"
    )
}

/// Text that stands for itself.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
