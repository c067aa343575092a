//! Digests and signatures for the stores' requests, in Rust only.

use ::object_store::client::{CryptoProvider, DigestAlgorithm, DigestContext, HmacContext, Signer, SigningAlgorithm};
use ::object_store::{Error, Result};
use graviola::signing::rsa::SigningKey;
use hmac::{Hmac, Mac};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::clients::can_encrypt;

/// SHA-256, HMAC with it, and RSA signatures of Google's service accounts.
#[derive(Debug)]
pub(super) struct Crypto;

impl CryptoProvider for Crypto {
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>> {
        match algorithm {
            DigestAlgorithm::Sha256 => Ok(Box::new(Hashed { state: Sha256::new(), end: [0; 32] })),
            _ => Err(unsupported("this digest is not known")),
        }
    }

    fn hmac(&self, algorithm: DigestAlgorithm, secret: &[u8]) -> Result<Box<dyn HmacContext>> {
        let state = Hmac::new_from_slice(secret).map_err(|_| unsupported("the secret has a length that is none"))?;
        match algorithm {
            DigestAlgorithm::Sha256 => Ok(Box::new(Keyed { state, end: [0; 32] })),
            _ => Err(unsupported("this digest is not known")),
        }
    }

    fn sign(&self, algorithm: SigningAlgorithm, pem: &[u8]) -> Result<Box<dyn Signer>> {
        if !matches!(algorithm, SigningAlgorithm::RS256) || !can_encrypt() {
            return Err(unsupported("keys of service accounts cannot be used here"));
        }
        let bad = || unsupported("the private key is no RSA key in PEM");
        let key = match PrivateKeyDer::from_pem_slice(pem).map_err(|_| bad())? {
            PrivateKeyDer::Pkcs8(key) => SigningKey::from_pkcs8_der(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => SigningKey::from_pkcs1_der(key.secret_pkcs1_der()),
            _ => return Err(bad()),
        };
        Ok(Box::new(Rsa(key.map_err(|_| bad())?)))
    }
}

fn unsupported(why: &'static str) -> Error {
    Error::NotSupported { source: why.into() }
}

struct Hashed {
    state: Sha256,
    end: [u8; 32],
}

impl DigestContext for Hashed {
    fn update(&mut self, data: &[u8]) {
        self.state.update(data);
    }

    fn finish(&mut self) -> Result<&[u8]> {
        self.end = self.state.finalize_reset().into();
        Ok(&self.end)
    }
}

struct Keyed {
    state: Hmac<Sha256>,
    end: [u8; 32],
}

impl HmacContext for Keyed {
    fn update(&mut self, data: &[u8]) {
        self.state.update(data);
    }

    fn finish(&mut self) -> Result<&[u8]> {
        self.end = self.state.finalize_reset().into_bytes().into();
        Ok(&self.end)
    }
}

struct Rsa(SigningKey);

impl Signer for Rsa {
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.0.modulus_len_bytes()];
        let signed = self.0.sign_pkcs1_sha256(&mut signature, text).map(<[u8]>::to_vec);
        signed.map_err(|_| unsupported("the private key does not sign"))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    #[test]
    fn a_digest_is_that_of_fips_180_2() {
        let mut digest = Crypto.digest(DigestAlgorithm::Sha256).unwrap();
        digest.update(b"a");
        digest.update(b"bc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(digest.finish().unwrap()), expected);
    }

    #[test]
    fn a_keyed_digest_is_that_of_rfc_4231() {
        let mut digest = Crypto.hmac(DigestAlgorithm::Sha256, b"Jefe").unwrap();
        digest.update(b"what do ya want ");
        digest.update(b"for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(digest.finish().unwrap()), expected);
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_told() {
        for pem in [&b"canary"[..], b"-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"] {
            let error = Crypto.sign(SigningAlgorithm::RS256, pem).err().unwrap().to_string();
            assert!(error.ends_with("the private key is no RSA key in PEM"), "{error}");
        }
    }

    #[test]
    fn a_signature_is_one_of_its_key() {
        let key = SigningKey::generate(graviola::signing::rsa::KeySize::Rsa2048).unwrap();
        let mut room = [0; 4096];
        let der = key.to_pkcs8_der(&mut room).unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let signature = Crypto.sign(SigningAlgorithm::RS256, pem.as_bytes()).unwrap().sign(b"text").unwrap();
        key.public_key().verify_pkcs1_sha256(&signature, b"text").unwrap();
        assert!(key.public_key().verify_pkcs1_sha256(&signature, b"texts").is_err());
    }
}
