//! A profile of AWS: what the files `~/.aws/credentials` and `~/.aws/config` say under its name.

use std::path::PathBuf;

/// What of a profile is of use here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    /// Name and secret of a key.
    pub(super) key: Option<(String, String)>,
    pub(super) token: Option<String>,
    pub(super) region: Option<String>,
    /// A command that prints credentials.
    pub(super) command: Option<String>,
    /// Why its credentials cannot be had.
    pub(super) refused: Option<String>,
}

impl Profile {
    /// The profile of a name that was given; without one that of the environment, or the default one.
    pub(super) fn of(given: Option<&str>) -> Result<Self, String> {
        let named =
            given.map(str::to_owned).or_else(|| std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty()));
        let read = |variable: &str, name: &str| {
            let home = || std::env::home_dir().map(|home| home.join(".aws").join(name));
            let path = std::env::var_os(variable).map(PathBuf::from).or_else(home);
            path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        };
        let (credentials, config) =
            (read("AWS_SHARED_CREDENTIALS_FILE", "credentials"), read("AWS_CONFIG_FILE", "config"));
        match (Self::parse(&credentials, &config, named.as_deref().unwrap_or("default")), named) {
            (Some(profile), _) => Ok(profile),
            (None, None) => Ok(Self::default()),
            (None, Some(name)) => {
                Err(format!("there is no profile \"{name}\" in the files of AWS's credentials and configuration"))
            }
        }
    }

    /// The profile of a name; the credentials of the first file count.
    fn parse(credentials: &str, config: &str, name: &str) -> Option<Self> {
        let in_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        // The default profile may be called so there too.
        let sections =
            [section(credentials, name), section(config, &in_config), section(config, &format!("profile {name}"))];
        if sections.iter().all(Option::is_none) {
            return None;
        }
        let get = |key: &str| {
            let found =
                sections.iter().flatten().find_map(|section| section.iter().rev().find(|(known, _)| known == key));
            found.map(|(_, value)| value.clone())
        };
        let why =
            ["sso_session", "sso_start_url", "role_arn", "login_session"].into_iter().find(|key| get(key).is_some());
        Some(Self {
            key: get("aws_access_key_id").zip(get("aws_secret_access_key")).filter(|_| get("role_arn").is_none()),
            token: get("aws_session_token"),
            region: get("region"),
            command: get("credential_process").filter(|_| get("role_arn").is_none()),
            refused: why.map(|key| {
                format!(
                    "the profile \"{name}\" has {key}, which is not followed here; give a command that prints credentials: \
                     aws configure export-credentials --profile {name}"
                )
            }),
        })
    }
}

/// Names and values of a section.
fn section(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let (mut found, mut is_in) = (None, false);
    for line in text.lines() {
        // What is indented belongs to the setting before, like `s3 =`.
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            is_in = header.split_whitespace().eq(name.split_whitespace());
            if is_in {
                found.get_or_insert_with(Vec::new);
            }
        } else if let (true, Some((key, value)), Some(found)) = (is_in, line.split_once('='), &mut found) {
            found.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "# comment\n[default]\naws_access_key_id = ID\naws_secret_access_key=SE=CRET\n\n[other]\n\
        aws_access_key_id = O\naws_secret_access_key = P\naws_session_token = T\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n  region = none\n[profile other]\n\
        region=us-west-2\n[profile command]\ncredential_process = /opt/get --it \"a b\"\n[profile sso]\nsso_session = x\n\
        [profile role]\nrole_arn = arn\naws_access_key_id = R\naws_secret_access_key = S\n";

    #[test]
    fn both_files_have_a_part_of_a_profile() {
        let parse = |name: &str| Profile::parse(CREDENTIALS, CONFIG, name);
        let text = |text: &str| Some(text.to_owned());
        let key = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        let default = Profile { key: key("ID", "SE=CRET"), region: text("eu-west-1"), ..Profile::default() };
        assert_eq!(parse("default"), Some(default));
        let other = Profile { key: key("O", "P"), token: text("T"), region: text("us-west-2"), ..Profile::default() };
        assert_eq!(parse("other"), Some(other));
        assert_eq!(parse("command").unwrap().command, text("/opt/get --it \"a b\""));
        assert_eq!(parse("none"), None);
    }

    #[test]
    fn credentials_that_other_services_give_are_refused_with_the_command_that_gets_them() {
        for (name, key) in [("sso", "sso_session"), ("role", "role_arn")] {
            let profile = Profile::parse(CREDENTIALS, CONFIG, name).unwrap();
            assert_eq!(profile.key, None);
            let told = format!(
                "the profile \"{name}\" has {key}, which is not followed here; give a command that prints credentials: aws configure export-credentials --profile {name}"
            );
            assert_eq!(profile.refused.unwrap(), told);
        }
    }
}
