//! The template for the AWS Serverless Application Repository, and the repository's rules.
//!
//! The rules are from AWS: "AWS SAM template Metadata section properties" in the SAM developer guide for the metadata, and "List of
//! Supported AWS Resources", "Using AWS SAM with the AWS Serverless Application Repository" and "Application Capabilities" in the
//! developer guide of the repository.

use std::fs;
use std::path::Path;

use crate::NAME;
use crate::manifest::Manifest;
use crate::run::Outcome;

/// The most that a licence and a readme may have.
const MAX_DOCUMENT_BYTES: u64 = 5 * 1024 * 1024;

/// What the template may create: of AWS's list, the kinds that an authorizer could need.
const SUPPORTED: [&str; 18] = [
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::RestApi",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::Serverless::Api",
    "AWS::Serverless::Function",
    "AWS::Serverless::LayerVersion",
];

/// The kinds that make a user acknowledge CAPABILITY_RESOURCE_POLICY.
const RESOURCE_POLICIES: [&str; 4] =
    ["AWS::IAM::Policy", "AWS::Lambda::LayerVersionPermission", "AWS::Lambda::Permission", "AWS::SNS::TopicPolicy"];

/// What `Cargo.toml` lacks and the repository wants.
pub fn missing(package: &Manifest) -> Vec<&'static str> {
    ["authors", "repository"].into_iter().filter(|name| package.first(name).is_none()).collect()
}

/// The template with the metadata of the application, without what the repository does not take. Licence and readme lie beside it.
pub fn template(template: &str, package: &Manifest) -> Outcome<String> {
    let field = |name| package.first(name).ok_or_else(|| format!("Cargo.toml has no `{name}`"));
    let repository = field("repository")?;
    // The repository takes one licence, of which the file is one.
    let licence = field("license")?.split(" OR ").next().unwrap_or_default();
    let author = field("authors")?.split('<').next().unwrap_or_default().trim().to_lowercase().replace(' ', "-");
    let mut metadata = format!("Metadata:\n  AWS::ServerlessRepo::Application:\n    Name: {NAME}\n");
    for (name, value) in [
        ("Description", quoted(field("description")?)),
        ("Author", author),
        ("SpdxLicenseId", licence.to_owned()),
        ("LicenseUrl", format!("LICENSE-{}", licence.split('-').next().unwrap_or_default().to_uppercase())),
        ("ReadmeUrl", "README.md".to_owned()),
        ("Labels", format!("[{}]", package.all("keywords").join(", "))),
        ("HomePageUrl", repository.to_owned()),
        ("SemanticVersion", package.version()?.to_owned()),
        ("SourceCodeUrl", format!("{repository}/tree/v{}", package.version()?)),
    ] {
        metadata.push_str(&format!("    {name}: {value}\n"));
    }
    if template.matches("\nMetadata:\n").count() != 1 {
        return Err("template.yaml no longer has `Metadata:` once".into());
    }
    Ok(without_queries(&template.replace("Metadata:\n", &metadata)))
}

/// The template without its saved queries, which are not on the repository's list of resources. They can be copied from template.yaml.
fn without_queries(template: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut is_in_a_query = false;
    let mut lines = template.lines().peekable();
    while let Some(line) = lines.next() {
        let is_outermost =
            line.starts_with("  ") && !line.starts_with("   ") || !line.is_empty() && !line.starts_with(' ');
        if is_outermost {
            is_in_a_query = lines.peek().is_some_and(|next| next.trim() == "Type: AWS::Logs::QueryDefinition");
        }
        if !is_in_a_query {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// A text as YAML's double-quoted string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What the repository would refuse in a template, whose files are in a folder.
pub fn faults(template: &str, folder: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let metadata = section(template, "Metadata", "  AWS::ServerlessRepo::Application:");
    let value = |name: &str| {
        let line = metadata.iter().find_map(|line| line.trim().strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let mut wants = |what: &str, holds: bool| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let length = |text: &str, most| (1..=most).contains(&text.chars().count());
    let (name, author) = (value("Name"), value("Author"));
    wants("Name: 1 to 140 letters, digits and hyphens", length(&name, 140) && name.chars().all(plain_or_hyphen));
    wants("Description: 1 to 256 characters", length(&value("Description"), 256));
    wants(
        "Author: 1 to 127 lower-case letters, digits and single hyphens between them",
        length(&author, 127)
            && author.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !author.starts_with('-')
            && !author.ends_with('-')
            && !author.contains("--"),
    );
    wants("SpdxLicenseId: MIT or Apache-2.0", ["MIT", "Apache-2.0"].contains(&value("SpdxLicenseId").as_str()));
    for document in ["LicenseUrl", "ReadmeUrl"] {
        let file = fs::metadata(folder.join(value(document)));
        let fits = file.is_ok_and(|file| file.is_file() && (1..=MAX_DOCUMENT_BYTES).contains(&file.len()));
        wants(&format!("{document}: a file of at most 5 MB beside the template"), fits);
    }
    let labels = value("Labels");
    let labels: Vec<&str> = labels.trim_matches(['[', ']']).split(", ").collect();
    let is_label =
        |text: &&str| length(text, 127) && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-_:/@".contains(c));
    wants("Labels: 1 to 10 of letters, digits and +-_:/@", labels.len() <= 10 && labels.iter().all(is_label));
    for address in ["HomePageUrl", "SourceCodeUrl"] {
        wants(&format!("{address}: an https address"), value(address).starts_with("https://"));
    }
    wants("SemanticVersion: three numbers, and what may follow them", is_semantic(&value("SemanticVersion")));
    wants(
        "the metadata: no intrinsic functions",
        metadata.iter().all(|line| !line.contains(": !") && !line.contains("Fn::") && !line.contains("${")),
    );
    let kinds = kinds(template);
    wants("resources", !kinds.is_empty());
    for kind in kinds.iter().filter(|kind| !SUPPORTED.contains(kind)) {
        wants(
            &format!("{kind}: not supported by the repository, or not in the list of xtask/src/serverlessrepo.rs"),
            false,
        );
    }
    for code in template
        .lines()
        .filter_map(|line| line.trim().split_once("Uri: ").filter(|(name, _)| ["Code", "Content"].contains(name)))
    {
        wants(&format!("{}Uri: a file beside the template", code.0), folder.join(code.1).is_file());
    }
    faults
}

/// What the user has to acknowledge before the repository deploys the application.
pub fn capabilities(template: &str) -> Vec<&'static str> {
    let kinds = kinds(template);
    let identity = ["AWS::IAM::Group", "AWS::IAM::InstanceProfile", "AWS::IAM::Policy", "AWS::IAM::Role"];
    // SAM makes roles of functions that name none, and nothing of this template's style names one.
    let named = ["RoleName: ", "PolicyName: "].iter().any(|name| template.contains(&format!("\n      {name}")));
    let mut needed = Vec::new();
    if kinds.iter().any(|kind| identity.contains(kind)) {
        needed.push(if named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" });
    }
    if kinds.iter().any(|kind| RESOURCE_POLICIES.contains(kind)) {
        needed.push("CAPABILITY_RESOURCE_POLICY");
    }
    if kinds.contains(&"AWS::Serverless::Application") {
        needed.push("CAPABILITY_AUTO_EXPAND");
    }
    needed
}

/// The kinds of the resources.
fn kinds(template: &str) -> Vec<&str> {
    section(template, "Resources", "").into_iter().filter_map(|line| line.strip_prefix("    Type: ")).collect()
}

/// The lines of a top-level section, or those deeper than one of its lines.
fn section<'a>(template: &'a str, name: &str, line: &str) -> Vec<&'a str> {
    let lines = template.lines().skip_while(|found| found.strip_suffix(':') != Some(name)).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    if line.is_empty() {
        return lines.collect();
    }
    lines.skip_while(|found| *found != line).skip(1).take_while(|line| line.starts_with("    ")).collect()
}

fn plain_or_hyphen(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// Whether a text is a version as in Semantic Versioning, numbers without zeros before them.
fn is_semantic(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let rest = text.strip_prefix(core).unwrap_or_default();
    let is_number = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
    };
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && rest.chars().all(|c| plain_or_hyphen(c) || c == '.' || c == '+')
        && (rest.is_empty() || rest.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::root;

    const PACKAGE: &str = "\
[package]
name = \"apigw-jwt-authorizer\"
version = \"1.2.3\"
description = \"Says yes or no: to JWTs\"
license = \"MIT OR Apache-2.0\"
authors = [\"Some Maintainers <mail@example.com>\"]
repository = \"https://example.com/some/authorizer\"
keywords = [\"aws\", \"api-gateway\"]

[features]
version = \"9.9.9\"
";

    /// A folder with the files that the template names.
    fn folder(name: &str) -> Outcome<std::path::PathBuf> {
        let folder = crate::run::scratch(name)?;
        for file in ["LICENSE-MIT", "README.md", "authorizer.zip", "configuration.zip"] {
            fs::write(folder.join(file), "text")?;
        }
        Ok(folder)
    }

    fn example() -> Outcome<String> {
        let text = crate::release::template("arm64", "authorizer.zip")?;
        template(&text, &Manifest::new(PACKAGE))
    }

    #[test]
    fn the_template_of_today_with_metadata_has_no_fault() -> Outcome {
        let folder = folder("serverlessrepo-good")?;
        assert_eq!(faults(&example()?, &folder), Vec::<String>::new());
        let metadata = "\
Metadata:
  AWS::ServerlessRepo::Application:
    Name: apigw-jwt-authorizer
    Description: \"Says yes or no: to JWTs\"
    Author: some-maintainers
    SpdxLicenseId: MIT
    LicenseUrl: LICENSE-MIT
    ReadmeUrl: README.md
    Labels: [aws, api-gateway]
    HomePageUrl: https://example.com/some/authorizer
    SemanticVersion: 1.2.3
    SourceCodeUrl: https://example.com/some/authorizer/tree/v1.2.3
  cfn-lint:
";
        assert!(example()?.contains(metadata), "{}", example()?);
        let all = fs::read_to_string(root().join("template.yaml"))?;
        for resource in ["RefusedQuery", "SlowQuery"] {
            let resource = format!("\n  {resource}:\n");
            assert_eq!((all.matches(&resource).count(), example()?.matches(&resource).count()), (1, 0));
        }
        assert_eq!(example()?.matches("\n    Type: ").count(), all.matches("\n    Type: ").count().saturating_sub(6));
        assert_eq!(capabilities(&example()?), ["CAPABILITY_IAM"]);
        Ok(fs::remove_dir_all(folder)?)
    }

    #[test]
    fn each_rule_of_the_repository_is_checked() -> Outcome {
        let folder = folder("serverlessrepo-bad")?;
        fs::write(folder.join("empty"), "")?;
        for (old, new, fault) in [
            ("Name: apigw-jwt-authorizer", "Name: apigw jwt", "Name: 1 to 140 letters, digits and hyphens"),
            (
                "Author: some-maintainers",
                "Author: some--maintainers",
                "Author: 1 to 127 lower-case letters, digits and single hyphens between them",
            ),
            (
                "Author: some-maintainers",
                "Author: Some",
                "Author: 1 to 127 lower-case letters, digits and single hyphens between them",
            ),
            (
                "    Author: some-maintainers\n",
                "",
                "Author: 1 to 127 lower-case letters, digits and single hyphens between them",
            ),
            ("SpdxLicenseId: MIT", "SpdxLicenseId: MIT OR Apache-2.0", "SpdxLicenseId: MIT or Apache-2.0"),
            (
                "LicenseUrl: LICENSE-MIT",
                "LicenseUrl: LICENCE",
                "LicenseUrl: a file of at most 5 MB beside the template",
            ),
            ("ReadmeUrl: README.md", "ReadmeUrl: empty", "ReadmeUrl: a file of at most 5 MB beside the template"),
            ("Labels: [aws, api-gateway]", "Labels: [api gateway]", "Labels: 1 to 10 of letters, digits and +-_:/@"),
            ("HomePageUrl: https", "HomePageUrl: http", "HomePageUrl: an https address"),
            (
                "SemanticVersion: 1.2.3",
                "SemanticVersion: 1.2",
                "SemanticVersion: three numbers, and what may follow them",
            ),
            (
                "SemanticVersion: 1.2.3",
                "SemanticVersion: v1.2.3",
                "SemanticVersion: three numbers, and what may follow them",
            ),
            (
                "ReadmeUrl: README.md",
                "ReadmeUrl: README.md\n    Extra: !Ref Readme",
                "the metadata: no intrinsic functions",
            ),
            ("CodeUri: authorizer.zip", "CodeUri: elsewhere.zip", "CodeUri: a file beside the template"),
            (
                "    Type: AWS::Logs::LogGroup\n    Condition",
                "    Type: AWS::Logs::Delivery\n    Condition",
                "AWS::Logs::Delivery: not supported by the repository, or not in the list of xtask/src/serverlessrepo.rs",
            ),
        ] {
            let good = example()?;
            let bad = good.replacen(old, new, 1);
            assert_ne!(good, bad, "{old}");
            assert_eq!(faults(&bad, &folder), [fault], "{new}");
        }
        Ok(fs::remove_dir_all(folder)?)
    }

    #[test]
    fn capabilities_are_those_that_the_resources_need() {
        let needed = |kinds: &[&str]| {
            let resources: String = kinds.iter().map(|kind| format!("  A:\n    Type: {kind}\n")).collect();
            capabilities(&format!("Resources:\n{resources}"))
        };
        assert_eq!(needed(&["AWS::Logs::LogGroup"]), [""; 0]);
        assert_eq!(
            needed(&["AWS::IAM::Role", "AWS::Lambda::Permission"]),
            ["CAPABILITY_IAM", "CAPABILITY_RESOURCE_POLICY"]
        );
        assert_eq!(needed(&["AWS::Serverless::Application"]), ["CAPABILITY_AUTO_EXPAND"]);
        assert_eq!(
            capabilities("Resources:\n  A:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: a\n"),
            ["CAPABILITY_NAMED_IAM"]
        );
    }

    #[test]
    fn what_cargo_toml_lacks_is_named_and_nothing_is_made_up() -> Outcome {
        let lacking = Manifest::new("[package]\nversion = \"1.0.0\"\nrepository = \"https://example.com/a\"\n");
        assert_eq!(missing(&lacking), ["authors"]);
        assert!(template("\nMetadata:\n", &lacking).is_err());
        assert_eq!(missing(&Manifest::new(PACKAGE)), [""; 0]);
        assert!(root().join("LICENSE-MIT").is_file());
        Ok(())
    }
}
