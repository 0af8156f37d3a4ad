//! Plots as inline SVG. Each colour stands for a role: the page gives it the tone that suits a
//! light or a dark background.

use plotters::{
    coord::ranged1d::ValueFormatter,
    coord::types::RangedCoordf64,
    prelude::{
        Cartesian2d, ChartBuilder, ChartContext, Color, DrawingBackend, IntoDrawingArea,
        IntoLogRange, LineSeries, RGBColor, Ranged, SVGBackend,
    },
    style::{IntoFont, TextStyle},
};

const SIZE: (u32, u32) = (600, 300);
/// Text.
pub(super) const INK: RGBColor = RGBColor(1, 1, 1);
/// Lines of the mesh.
pub(super) const MESH: RGBColor = RGBColor(2, 2, 2);
/// Series, in order.
pub(super) const SERIES: [RGBColor; 6] = [
    RGBColor(3, 0, 1),
    RGBColor(3, 0, 2),
    RGBColor(3, 0, 3),
    RGBColor(3, 0, 4),
    RGBColor(3, 0, 5),
    RGBColor(3, 0, 6),
];

/// One line of a plot.
pub(super) struct Line {
    pub(super) name: String,
    /// Across and up; a value that is not a number interrupts the line.
    pub(super) points: Vec<(f64, f64)>,
}

/// How values of the vertical axis lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero.
    Linear,
    /// Each step ten times the last.
    Logarithmic,
}

/// A plot with one pair of axes.
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) across: &'static str,
    pub(super) scale: Scale,
    pub(super) show_x: fn(f64) -> String,
    pub(super) show_y: fn(f64) -> String,
    pub(super) lines: Vec<Line>,
}

impl Plot {
    /// Whether there is nothing to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.points.len() < 2)
    }

    /// The name of each line, after the number of its tone.
    pub(super) fn legend(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.lines.iter().enumerate();
        lines.map(|(index, line)| (index % SERIES.len() + 1, line.name.as_str()))
    }

    /// Draws it.
    pub(super) fn svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let right = points().map(|(x, _)| *x).fold(f64::MIN, f64::max);
        let left = points().map(|(x, _)| *x).fold(f64::MAX, f64::min).min(right - 1e-3);
        let top = points().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let mut chart = ChartBuilder::on(&area);
            chart.margin(10).margin_right(24).x_label_area_size(48).y_label_area_size(86);
            let drawn = match self.scale {
                Scale::Linear => chart
                    .build_cartesian_2d(left..right, 0.0..top * 1.08)
                    .and_then(|mut chart| self.fill(&mut chart)),
                Scale::Logarithmic => {
                    let bottom = points().map(|(_, y)| *y).filter(|y| *y > 0.0);
                    let bottom = bottom.fold(f64::MAX, f64::min).min(top / 10.0);
                    chart
                        .build_cartesian_2d(left..right, (bottom * 0.8..top * 1.3).log_scale())
                        .and_then(|mut chart| self.fill(&mut chart))
                }
            };
            drawn.and_then(|()| area.present()).map_err(|error| error.to_string())?;
        }
        Ok(svg)
    }

    fn fill<'a, DB, Y>(
        &self,
        chart: &mut ChartContext<'a, DB, Cartesian2d<RangedCoordf64, Y>>,
    ) -> Result<(), plotters::drawing::DrawingAreaErrorKind<DB::ErrorType>>
    where
        DB: DrawingBackend + 'a,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let text: TextStyle = ("sans-serif", 17).into_font().color(&INK);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(MESH.mix(0.0))
            .bold_line_style(MESH)
            .axis_style(MESH)
            .label_style(text)
            .x_desc(self.across)
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&|value| (self.show_x)(*value))
            .y_label_formatter(&|value| (self.show_y)(*value))
            .draw()?;
        for (line, color) in self.lines.iter().zip(SERIES.iter().cycle()) {
            for part in line.points.split(|(_, value)| value.is_nan()) {
                let style = color.stroke_width(2);
                chart.draw_series(LineSeries::new(part.iter().copied(), style))?;
            }
        }
        Ok(())
    }
}

/// The colour as it stands in the SVG.
pub(super) fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(scale: Scale, points: Vec<(f64, f64)>) -> Plot {
        Plot {
            title: "t",
            across: "seconds",
            scale,
            show_x: |x| format!("{x:.0} s"),
            show_y: |y| format!("{y} B"),
            lines: vec![Line { name: "n".into(), points }],
        }
    }

    #[test]
    fn lines_are_drawn_in_the_colours_of_their_roles() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let svg = plot(scale, vec![(0.0, 1.0), (10.0, 200.0)]).svg().expect("a drawing");
            for color in [INK, MESH, SERIES[0]] {
                assert!(svg.contains(&hex(color)), "{svg}");
            }
            assert!(svg.contains("seconds") && svg.contains(" B\n"), "{svg}");
        }
    }

    #[test]
    fn gaps_interrupt_a_line() {
        let gap = vec![(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0)];
        let svg = plot(Scale::Linear, gap).svg().expect("a drawing");
        let drawn = format!("stroke=\"{}\"", hex(SERIES[0]));
        assert_eq!(svg.matches(&drawn).count(), 2, "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn strange_points_do_no_harm() {
        let cases = [
            vec![(0.0, 0.0), (0.0, 0.0)],
            vec![(1e300, 1e300), (-1e300, 0.0)],
            vec![(5.0, 1.0), (5.0, 1.0)],
        ];
        for points in cases {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                plot(scale, points.clone()).svg().expect("a drawing");
            }
        }
        assert!(plot(Scale::Linear, vec![(0.0, 0.0)]).is_empty());
    }
}
