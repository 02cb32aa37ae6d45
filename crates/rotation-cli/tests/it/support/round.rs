//! Outputs of two runs made the same, and short: ids, dates and times are replaced by round ones, and lines that
//! say nothing of what they are quoted for are left out.

/// Lines of the tool that a symptom is not about.
const LEFT_OUT: [&str; 6] = [
    "secret    ",
    "arn       ",
    "rotation  ",
    "changed   ",
    "next      ",
    "note      no version is AWSPREVIOUS",
];

/// Version ids become `11111111-1111-4111-8111-111111111111` and so on, the one that is current first;
/// dates become one date; seconds that something took become whole ones.
pub(crate) fn round(texts: [&str; 2]) -> [String; 2] {
    let mut seen = Vec::new();
    let current = texts
        .iter()
        .flat_map(|text| text.lines())
        .find(|line| line.contains("  AWSCURRENT "));
    seen.extend(
        current
            .and_then(|line| starting(line, 36, is_id))
            .map(str::to_owned),
    );
    texts.map(|text| seconds(&rounded(&brief(text), &mut seen)))
}

/// Without what is left out, and without more than one empty line in a row.
fn brief(text: &str) -> String {
    let mut lines: Vec<&str> = text
        .lines()
        .filter(|line| !LEFT_OUT.iter().any(|start| line.starts_with(start)))
        .collect();
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    lines.join("\n").trim().to_owned()
}

fn rounded(text: &str, seen: &mut Vec<String>) -> String {
    let (mut made, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let taken = if let Some(id) = starting(rest, 36, is_id) {
            let number = seen.iter().position(|it| it == id).unwrap_or_else(|| {
                seen.push(id.to_owned());
                seen.len() - 1
            });
            made += &numbered(number + 1);
            36
        } else if starting(rest, 20, is_date).is_some() {
            made += "2026-01-01T00:00:00Z";
            20
        } else {
            made.push(first);
            first.len_utf8()
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    made
}

fn starting(text: &str, length: usize, is: fn(&str) -> bool) -> Option<&str> {
    text.get(..length).filter(|start| is(start))
}

fn has_form(text: &str, form: &str, class: impl Fn(char) -> bool) -> bool {
    let mut pairs = text.chars().zip(form.chars());
    pairs.all(|(found, wanted)| {
        if wanted == 'x' {
            class(found)
        } else {
            found == wanted
        }
    })
}

fn is_id(text: &str) -> bool {
    has_form(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", |c| {
        c.is_ascii_hexdigit()
    })
}

fn is_date(text: &str) -> bool {
    has_form(text, "xxxx-xx-xxTxx:xx:xxZ", |c| c.is_ascii_digit())
}

fn numbered(number: usize) -> String {
    let digit = |times: usize| number.to_string().repeat(times);
    format!(
        "{}-{}-4{}-8{}-{}",
        digit(8),
        digit(4),
        digit(3),
        digit(3),
        digit(12)
    )
}

/// `within 2.4 s` becomes `within 2.0 s`, and `for 10 min` stays.
fn seconds(text: &str) -> String {
    let mut parts = text.split("within ");
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        made += "within ";
        match part.split_once(" s") {
            Some((number, rest)) if number.parse::<f64>().is_ok() => {
                let whole = number.split('.').next().unwrap_or_default();
                made += &format!("{whole}.0 s{rest}");
            }
            _ => made += part,
        }
    }
    made
}

#[test]
fn what_differs_between_runs_is_made_round_and_the_rest_is_kept() {
    let id = "910a2dec-8902-4cc1-8f32-3e9039f4a821";
    let other = "1d0b14e4-db01-4fed-8c16-bb7b2b9b3e3a";
    let shows = format!("error: {other}, no answer within 2.3 s\nsecret    crm\n\n\n{id}  AWSCURRENT  yes\n");
    let mended = format!("changed   now\n{other} since 2026-11-25T03:36:50Z\nnext      nothing");
    let [shows, mended] = round([&shows, &mended]);
    assert_eq!(
        shows,
        "error: 22222222-2222-4222-8222-222222222222, no answer within 2.0 s\n\n\
         11111111-1111-4111-8111-111111111111  AWSCURRENT  yes"
    );
    assert_eq!(
        mended,
        "22222222-2222-4222-8222-222222222222 since 2026-01-01T00:00:00Z"
    );
}
