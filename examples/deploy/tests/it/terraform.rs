//! Terraform's files, as far as they can be read without Terraform.

use std::collections::BTreeMap;

use hcl::eval::{Context, Evaluate, FuncArgs, FuncDef, ParamType};
use hcl::{Block, BlockLabel, Body, Expression};
use serde_json::{Value, json};

use crate::rights::Statement;

/// All `.tf` files of a folder, as one body.
pub(crate) fn module(folder: &str) -> Body {
    let mut structures = Vec::new();
    for entry in std::fs::read_dir(crate::path(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tf") {
            let text = std::fs::read_to_string(&path).unwrap();
            let body: Body = hcl::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            structures.extend(body.into_inner());
        }
    }
    assert!(!structures.is_empty(), "{folder} has no .tf files");
    Body::from(structures)
}

/// The block `resource "TYPE" "NAME"`, or of another keyword.
pub(crate) fn block<'a>(body: &'a Body, keyword: &str, labels: [&str; 2]) -> &'a Block {
    let found = body.blocks().find(|block| is(block, keyword, labels));
    found.unwrap_or_else(|| panic!("there is no {keyword} {labels:?}"))
}

/// The types of all resources.
pub(crate) fn resource_types(body: &Body) -> Vec<String> {
    let resources = body.blocks().filter(|block| block.identifier() == "resource");
    resources
        .map(|block| block.labels()[0].as_str().to_owned())
        .collect()
}

fn is(block: &Block, keyword: &str, labels: [&str; 2]) -> bool {
    block.identifier() == keyword && block.labels().iter().map(BlockLabel::as_str).eq(labels)
}

pub(crate) fn attribute<'a>(body: &'a Body, name: &str) -> Option<&'a Expression> {
    let found = body.attributes().find(|attribute| attribute.key() == name)?;
    Some(found.expr())
}

/// An expression as it is written.
pub(crate) fn source(expression: &Expression) -> String {
    let text = hcl::format::to_string(expression).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What an expression comes to, with `jsonencode` and these locals.
pub(crate) fn evaluate(expression: &Expression, locals: &BTreeMap<&str, Value>) -> Value {
    fn jsonencode(args: FuncArgs) -> Result<hcl::Value, String> {
        let value = serde_json::to_string(&args[0]).map_err(|error| error.to_string())?;
        Ok(value.into())
    }
    let mut context = Context::new();
    context.declare_func("jsonencode", FuncDef::new(jsonencode, [ParamType::Any]));
    let locals: hcl::Value = hcl::to_value(locals).unwrap();
    context.declare_var("local", locals);
    let value = expression.evaluate(&context).unwrap();
    json!(value)
}

/// The statements of a policy document, those included that stand under a condition.
pub(crate) fn statements(body: &Body, document: &str) -> Vec<Statement> {
    let document = block(body, "data", ["aws_iam_policy_document", document]);
    document.body().blocks().map(statement).collect()
}

fn statement(block: &Block) -> Statement {
    let body = match (block.identifier(), block.labels()) {
        ("statement", []) => block.body(),
        ("dynamic", [label]) if label.as_str() == "statement" => {
            let content = block
                .body()
                .blocks()
                .find(|block| block.identifier() == "content");
            content.unwrap().body()
        }
        other => panic!("{other:?} in a policy document"),
    };
    let texts = |name: &str| {
        let expression = attribute(body, name);
        expression.map_or_else(Vec::new, |expression| match expression {
            Expression::Array(items) => items.iter().map(text).collect(),
            other => vec![source(other)],
        })
    };
    let conditions = body.blocks().filter(|block| block.identifier() == "condition");
    Statement {
        sid: attribute(body, "sid").map(text).unwrap_or_default(),
        effect: attribute(body, "effect").map_or_else(|| "Allow".to_owned(), text),
        actions: texts("actions").into_iter().collect(),
        resources: texts("resources"),
        only_if: attribute(block.body(), "for_each").map(source),
        conditions: conditions.map(condition).collect(),
    }
}

fn condition(block: &Block) -> (String, String) {
    let part = |name: &str| text(attribute(block.body(), name).unwrap());
    (part("test"), part("variable"))
}

fn text(expression: &Expression) -> String {
    match expression {
        Expression::String(text) => text.clone(),
        other => source(other),
    }
}
