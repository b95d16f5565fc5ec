//! Machine and tools on which a count depends beside the code.

use std::fmt;
use std::process::Command;

use crate::error::Error;

/// The tools and the processor with which something was counted. Other ones count otherwise, without
/// anything having become slower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Compiler and target.
    pub(crate) compiler: String,
    /// Version of valgrind, which instruments the program.
    pub(crate) valgrind: String,
    /// C library, whose functions copy, compare and allocate memory.
    pub(crate) libc: String,
    /// Features by which blake3, curve25519 and the C library choose their code. Valgrind hides AVX-512.
    pub(crate) processor: String,
}

impl Machine {
    /// This one, where the processor is as the program under valgrind saw it.
    pub(crate) fn here(processor: String) -> Result<Self, Error> {
        let compiler = said(&rustc(), &["-vV"])?;
        let after = |prefix: &str| {
            let mut lines = compiler.lines();
            lines
                .find_map(|line| line.strip_prefix(prefix))
                .unwrap_or("unknown")
        };
        let flags = option_env!("RUSTFLAGS").unwrap_or_default();
        Ok(Machine {
            compiler: format!("{} {} {flags}", after("rustc "), after("host: "))
                .trim_end()
                .to_owned(),
            valgrind: said("valgrind", &["--version"])?.trim().to_owned(),
            // Where there is none of this name, it is at least always the same.
            libc: said("getconf", &["GNU_LIBC_VERSION"])
                .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned()),
            processor,
        })
    }

    /// Its lines in a baseline, by name.
    pub(crate) fn lines(&self) -> [(&'static str, &str); 4] {
        [
            ("compiler", &self.compiler),
            ("valgrind", &self.valgrind),
            ("libc", &self.libc),
            ("processor", &self.processor),
        ]
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.lines() {
            writeln!(f, "{name}: {value}")?;
        }
        Ok(())
    }
}

/// Cargo's own compiler, through which rustup picks the same toolchain.
fn rustc() -> String {
    std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned())
}

fn said(program: &str, arguments: &[&str]) -> Result<String, Error> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| Error::start(program, &error))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The features that code is chosen by at run time, as this process sees them.
pub(crate) fn processor() -> String {
    let mut features = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! detected {
            ($($feature:tt)*) => {
                $(if std::is_x86_feature_detected!($feature) {
                    features.push($feature);
                })*
            };
        }
        detected!("ssse3" "sse4.1" "avx" "avx2" "bmi1" "bmi2" "adx" "fma" "sha" "avx512f" "avx512vl");
    }
    features.join(" ")
}
