//! Charts over time in SVG: geometry in attributes, colours in the style sheet, and a table for people who cannot see them.

mod scale;

use leptos::prelude::*;
use scale::{Scale, binary_unit, line, ticks};

/// One line of a chart. Points are (milliseconds since 1970, value), oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: &'static str,
    pub points: Vec<(i64, f64)>,
}

impl Series {
    /// Makes a line with this name.
    pub fn new(name: &'static str, points: Vec<(i64, f64)>) -> Self {
        Self { name, points }
    }
}

const WIDE: f64 = 600.0;
const HIGH: f64 = 160.0;
const LEFT: f64 = 78.0;
const BOTTOM: f64 = 22.0;

/// The shape of the last values, beside a number that shows the latest. The label is for people who cannot see it.
#[component]
pub fn Sparkline(#[prop(into)] label: String, #[prop(into)] values: Signal<Vec<f64>>) -> impl IntoView {
    let path = move || {
        values.with(|values| {
            let most = values.iter().copied().fold(0.0, f64::max);
            let (x, y) = (
                Scale::new(0.0, values.len().max(2) as f64 - 1.0, 1.0, 79.0),
                Scale::new(0.0, if most > 0.0 { most } else { 1.0 }, 19.0, 1.0),
            );
            let points: Vec<(i64, f64)> = (0i64..).zip(values.iter().copied()).collect();
            line(&points, x, y)
        })
    };
    view! { <svg class="sparkline" viewBox="0 0 80 20" width="80" height="20" role="img" aria-label=label><path class="chart-line" d=path></path></svg> }
}

/// Values over time, against a limit if there is one.
#[component]
pub fn TimeChart(
    #[prop(into)] title: String,
    #[prop(into)] series: Signal<Vec<Series>>,
    #[prop(optional, into)] limit: Signal<Option<f64>>,
    format: fn(f64) -> String,
    /// Whether the values are bytes, whose axis then has round numbers of a binary unit.
    #[prop(optional)]
    bytes: bool,
    /// The name of the limit, for people who cannot see its line.
    #[prop(default = "Asked for")]
    limit_name: &'static str,
) -> impl IntoView {
    let named = title.clone();
    view! {
        <figure class="chart">
            <figcaption>{title}</figcaption>
            {move || draw(&named, &series.get(), limit.get().map(|limit| (limit_name, limit)), format, bytes)}
        </figure>
    }
}

fn draw(title: &str, series: &[Series], limit: Option<(&'static str, f64)>, format: fn(f64) -> String, bytes: bool) -> AnyView {
    let all = || series.iter().flat_map(|s| s.points.iter());
    let (Some(first), Some(last)) = (all().map(|p| p.0).min(), all().map(|p| p.0).max()) else {
        return view! { <p class="hint">"Not measured."</p> }.into_any();
    };
    let most = all().map(|p| p.1).fold(limit.map_or(0.0, |(_, limit)| limit), f64::max);
    let unit = if bytes { binary_unit(most) } else { 1.0 };
    let marks: Vec<f64> = ticks(most / unit, 4).into_iter().map(|mark| mark * unit).collect();
    let top = marks.last().copied().unwrap_or(1.0);
    let x = Scale::new(first as f64, (last as f64).max(first as f64 + 1.0), LEFT, WIDE - 4.0);
    let y = Scale::new(0.0, top, HIGH - BOTTOM, 14.0);
    let grid: Vec<_> = marks
        .iter()
        .map(|value| {
            let at = y.at(*value);
            view! {
                <line class="chart-grid" x1=LEFT.to_string() x2=WIDE.to_string() y1=format!("{at:.1}") y2=format!("{at:.1}")></line>
                <text class="chart-label" x=(LEFT - 6.0).to_string() y=format!("{:.1}", at + 4.0) text-anchor="end">{format(*value)}</text>
            }
        })
        .collect();
    let lines: Vec<_> = series
        .iter()
        .enumerate()
        .map(|(n, s)| view! { <path class=format!("chart-line chart-line-{n}") d=line(&s.points, x, y)></path> })
        .collect();
    let bar = limit.map(|(_, limit)| {
        let at = format!("{:.1}", y.at(limit));
        view! { <line class="chart-limit" x1=LEFT.to_string() x2=WIDE.to_string() y1=at.clone() y2=at></line> }
    });
    let span = format!("last {}", crate::chart::scale::span(last - first));
    let summaries: Vec<_> = series.iter().map(|s| summary(s, format)).collect();
    let label = format!("{title}: {}", summaries.join("; "));
    let rows: Vec<_> = series
        .iter()
        .map(|s| view! { <tr><th scope="row">{s.name}</th><td>{summary(s, format)}</td></tr> })
        .chain(limit.map(|(name, limit)| view! { <tr><th scope="row">{name}</th><td>{format(limit)}</td></tr> }))
        .collect();
    view! {
        <svg class="chart-picture" viewBox=format!("0 0 {WIDE} {HIGH}") role="img" aria-label=label>
            {grid}{bar}{lines}
            <text class="chart-label" x=WIDE.to_string() y=HIGH.to_string() text-anchor="end">{span}</text>
        </svg>
        <table class="visually-hidden"><caption>{title.to_owned()}</caption><tbody>{rows}</tbody></table>
    }
    .into_any()
}

fn summary(series: &Series, format: fn(f64) -> String) -> String {
    let last = series.points.last().map_or(0.0, |p| p.1);
    let most = series.points.iter().map(|p| p.1).fold(0.0, f64::max);
    format!("{} now {}, at most {}", series.name, format(last), format(most))
}
