//! Who may push notifications: a shared secret, Google's signed token, Amazon SNS's signature.

use url::Url;

use super::Secret;

/// Who may push notifications. If all of them are absent, every push is refused (fail closed).
#[derive(Debug, Clone, Default)]
pub struct PushAuth {
    /// `PUSH_TOKEN`: the shared secret that a push carries.
    pub token: Option<Secret>,
    /// Google's signed push token.
    pub oidc: Option<OidcAuth>,
    /// Amazon SNS's signature.
    pub sns: SnsAuth,
}

impl PushAuth {
    /// Whether any way to authenticate a push is set.
    #[must_use]
    pub fn configured(&self) -> bool {
        self.token.is_some() || self.oidc.is_some() || self.sns.topic.is_some()
    }
}

/// Which of Google's signed tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcAuth {
    /// `PUSH_OIDC_AUDIENCE`: the audience of the push subscription.
    pub audience: String,
    /// `PUSH_OIDC_EMAIL`: the service account of the push subscription.
    pub email: String,
    /// `PUSH_OIDC_KEYS_URL`: where the signer publishes its keys.
    pub keys_url: String,
}

/// Which of Amazon SNS's messages are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnsAuth {
    /// `PUSH_SNS_TOPIC_ARN`: the only topic. Without it no signature suffices.
    pub topic: Option<String>,
    /// `PUSH_SNS_URL`: the only origin for fetches; none for Amazon's own hosts.
    pub url: Option<Url>,
}

impl SnsAuth {
    /// Whether Amazon SNS answers at this address: one of its own hosts, over TLS at the usual port
    /// (`AwsSnsMessageValidator` of the AWS SDKs has the same rule), or the configured one.
    #[must_use]
    pub fn answers_at(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        match &self.url {
            Some(only) => only.origin() == url.origin(),
            None => {
                url.scheme() == "https"
                    && url.port().is_none()
                    && url.host_str().is_some_and(is_amazon_host)
            }
        }
    }
}

/// `sns.<region>.amazonaws.com`, in China with `.cn`.
fn is_amazon_host(host: &str) -> bool {
    let region = host.strip_prefix("sns.").and_then(|rest| {
        rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
    });
    region.is_some_and(|region| {
        !region.is_empty()
            && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(sns: &SnsAuth, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| sns.answers_at(&url))
    }

    /// The Worker may have such a name, and a broker never writes it in another form.
    #[test]
    fn a_host_in_punycode_is_a_host() {
        let url = Url::parse("https://xn--bcher-kva.example/push").expect("an address");
        assert_eq!(url.host_str(), Some("xn--bcher-kva.example"));
    }

    #[test]
    fn only_amazon_is_amazon() {
        let amazon = SnsAuth::default();
        for url in [
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
            "https://SNS.us-west-2.amazonaws.com:443/?Action=ConfirmSubscription",
            "https://sns.cn-north-1.amazonaws.com.cn/x",
        ] {
            assert!(answers(&amazon, url), "{url}");
        }
        for url in [
            "http://sns.eu-central-1.amazonaws.com/x",
            "https://sns.eu-central-1.amazonaws.com:8443/x",
            "https://sns.eu-central-1.amazonaws.com@evil.example/x",
            "https://me@sns.eu-central-1.amazonaws.com/x",
            "https://sns.eu-central-1.amazonaws.com.evil.example/x",
            "https://sns.evil.example/sns.eu-central-1.amazonaws.com",
            "https://sns.a.b.amazonaws.com/x",
            "https://sns..amazonaws.com/x",
            "https://sns.amazonaws.com/x",
            "https://s3.eu-central-1.amazonaws.com/x",
            "https://xsns.eu-central-1.amazonaws.com/x",
            "https://sns.eu-central-1.amazonaws.com.cn.evil.example/x",
            "file:///etc/passwd",
        ] {
            assert!(!answers(&amazon, url), "{url}");
        }
    }

    #[test]
    fn an_address_that_was_set_is_the_only_one() {
        let own = SnsAuth { url: Url::parse("http://127.0.0.1:9000").ok(), topic: None };
        assert!(answers(&own, "http://127.0.0.1:9000/SimpleNotificationService-0.pem"));
        for url in [
            "http://127.0.0.1:9001/x",
            "https://127.0.0.1:9000/x",
            "http://127.0.0.1:9000@evil.example/x",
            "https://sns.eu-central-1.amazonaws.com/x",
        ] {
            assert!(!answers(&own, url), "{url}");
        }
    }
}
