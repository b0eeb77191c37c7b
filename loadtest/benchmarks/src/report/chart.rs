//! Charts: a bar for each row up to its median, with a line from the least to the most.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::table::figure;
use crate::record::{Record, Spread};
use crate::row::{Part, ROWS, Row};

const WIDTH: u32 = 760;
const ROW_HEIGHT: i32 = 22;
const TOP: i32 = 30;
/// Where bars begin, and how long the longest is.
const LEFT: i32 = 400;
const LONGEST: f64 = 270.0;

const LIMIT: RGBColor = RGBColor(150, 150, 150);
const PEER: RGBColor = RGBColor(214, 140, 60);
const OURS: RGBColor = RGBColor(46, 110, 180);
const INK: RGBColor = RGBColor(40, 40, 40);

/// Name of the file and the picture, for each part that has something to be seen side by side.
pub(super) fn charts(record: &Record) -> Result<Vec<(&'static str, String)>> {
    let mut charts = Vec::new();
    for (part, file) in
        [(Part::Fronts, "fronts.svg"), (Part::Workers, "workers.svg"), (Part::Path, "path.svg")]
    {
        let rows = ROWS.iter().filter(|row| row.part == part && is_shown(row));
        let bars: Vec<(&Row, Spread)> =
            rows.filter_map(|row| Some((row, record.spread(row.name)?))).collect();
        if !bars.is_empty() {
            let drawn = draw(part.title(), &bars).map_err(|fault| anyhow!("{file}: {fault}"))?;
            charts.push((file, drawn));
        }
    }
    Ok(charts)
}

/// One unit for each chart; the last tail would make all other bars short.
fn is_shown(row: &Row) -> bool {
    row.part != Part::Path || row.name.ends_with("-p50") || row.name.ends_with("-p99")
}

fn draw(title: &str, bars: &[(&Row, Spread)]) -> Result<String, Box<dyn std::error::Error>> {
    let mut picture = String::new();
    let height = TOP + ROW_HEIGHT * i32::try_from(bars.len())? + 10;
    {
        let size = (WIDTH, u32::try_from(height)?);
        let area = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        area.fill(&WHITE)?;
        let (heading, label) = (("sans-serif", 15).into_font(), ("sans-serif", 12).into_font());
        area.draw(&Text::new(title, (10, 8), heading.color(&INK)))?;
        let most = bars.iter().map(|(_, spread)| spread.max).fold(f64::MIN_POSITIVE, f64::max);
        for (index, (row, spread)) in (0..).zip(bars) {
            let top = TOP + ROW_HEIGHT * index;
            let x = |value: f64| LEFT + length(value / most);
            let (color, middle) = (color_of(row), top + ROW_HEIGHT / 2 - 1);
            let bar = [(LEFT, top + 3), (x(spread.median), top + ROW_HEIGHT - 5)];
            area.draw(&Rectangle::new(bar, color.filled()))?;
            area.draw(&PathElement::new([(x(spread.min), middle), (x(spread.max), middle)], INK))?;
            let title = row.title.replace('`', "");
            area.draw(&Text::new(title, (10, top + 4), label.clone().color(&INK)))?;
            let value = format!("{} {}", figure(spread.median, row.unit), row.unit);
            let place = (x(spread.max) + 6, top + 4);
            area.draw(&Text::new(value, place, label.clone().color(&INK)))?;
        }
        area.present()?;
    }
    Ok(picture)
}

#[allow(clippy::cast_possible_truncation, reason = "at most the longest")]
fn length(share: f64) -> i32 {
    (share * LONGEST) as i32
}

fn color_of(row: &Row) -> RGBColor {
    match row.title.split(':').next() {
        Some("limit") => LIMIT,
        Some("peer") => PEER,
        Some(_) | None => OURS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn a_bar_is_as_long_as_its_figure_and_has_the_color_of_its_kind() {
        let rows: [(&str, &[f64]); 3] =
            [("front-bare", &[100.0]), ("gateway-kafka-202", &[50.0]), ("front-mariadb", &[10.0])];
        let charts = charts(&record(&rows)).unwrap();
        let [("fronts.svg", picture)] = &charts[..] else { panic!("{charts:?}") };
        for (color, width) in [("#969696", 270), ("#2E6EB4", 135), ("#D68C3C", 27)] {
            let bar = picture.lines().find(|line| line.contains(&format!("fill=\"{color}\"")));
            let bar = bar.unwrap_or_else(|| panic!("no bar of {color} in {picture}"));
            assert!(bar.contains(&format!("width=\"{width}\"")), "{bar}");
        }
        assert!(picture.contains("100 /s"), "{picture}");
    }
}
