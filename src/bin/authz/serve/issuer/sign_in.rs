//! The sign-in page: a list of users who do not exist, and no password.

use crate::serve::http::escaped;
use crate::serve::users::{Roster, User};

/// The page, with the request's parameters for the user who is chosen.
pub(super) fn page(roster: &Roster, parameters: &[(String, String)], client: &str, audience: Option<&str>) -> String {
    let hidden: String = parameters
        .iter()
        .map(|(name, value)| format!(r#"<input type="hidden" name="{}" value="{}">"#, escaped(name), escaped(value)))
        .collect();
    let mut groups = String::new();
    for (at, realm) in roster.realms.iter().enumerate() {
        let meant = audience.is_none_or(|audience| realm.audiences.iter().any(|known| known == audience));
        let users: String = roster.users.iter().filter(|user| meant && user.realm == at).map(button).collect();
        if !users.is_empty() {
            groups.push_str(&format!("<h2>{}</h2>\n<ul class=\"users\">\n{users}</ul>\n", escaped(&realm.issuer)));
        }
    }
    if groups.is_empty() {
        groups = "<p>No user has tokens for this audience.</p>".to_owned();
    }
    document(
        "Sign in",
        &format!(
            "<h1>Sign in</h1>\n<p><strong>{}</strong> asks for a token. Nobody here exists, and no password is asked for.</p>\n\
             <form method=\"post\" action=\"/__issuer/authorize\">\n{hidden}\n{groups}</form>\n",
            escaped(client)
        ),
    )
}

/// A page that says why nobody can sign in.
pub(super) fn refusal(why: &str) -> String {
    document("Sign in", &format!("<h1>This sign-in cannot go on</h1>\n<p>{}</p>\n", escaped(why)))
}

fn button(user: &User) -> String {
    format!(
        "<li><button name=\"user\" value=\"{}\"><span class=\"name\">{}</span><span class=\"detail\">{}</span></button></li>\n",
        escaped(&user.id),
        escaped(&user.name),
        escaped(&user.about)
    )
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"/__authorizer/page.css\">\n<link rel=\"icon\" href=\"data:,\">\n</head>\n\
         <body class=\"sign-in\">\n<main>\n<p class=\"kind\">Development identity provider</p>\n{body}</main>\n</body>\n</html>\n"
    )
}
