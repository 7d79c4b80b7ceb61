//! Reading the metrics of a gateway.

/// The sum of all series of this name whose labels contain `label`, in Prometheus' text format; 0 where there is none.
pub fn sum_of(text: &str, name: &str, label: &str) -> f64 {
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let of_label = lines.filter(|rest| rest.contains(label));
    let values = of_label.filter_map(|rest| match rest.as_bytes().first() {
        Some(b' ' | b'{') => rest.rsplit(' ').next()?.parse::<f64>().ok(),
        _ => None,
    });
    values.sum()
}
