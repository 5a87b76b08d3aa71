//! `codecbench report`: charts and tables of runs that are finished, or as far as they came.

use super::output::print;
use crate::error::{Error, Result};
use crate::experiment;
use crate::report::{self, Compare};
use crate::store::Store;
use std::path::PathBuf;

/// Write the report of finished runs again: report.html and the charts as PNG.
///
/// Several folders become one report; a case that is in two of them counts once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  codecbench report reports/demo\n  \
                        codecbench report reports/old reports/new --out reports/both")]
pub struct Args {
    /// Folders that a run wrote
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// Where to write [default: the folder itself, when it is one]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The codec or setting that the others' BD-rate is against [default: the plan's first with four bitrates]
    #[arg(long, value_name = "NAME")]
    anchor: Option<String>,
}

/// Prints the files it wrote; the exit code.
///
/// # Errors
/// A folder holds no results, several folders have no `--out`, or the report cannot be written.
pub fn run(args: &Args) -> Result<u8> {
    let out = match (&args.out, args.dirs.as_slice()) {
        (Some(out), _) => out,
        (None, [dir]) => dir,
        (None, _) => return Err(Error::usage("a report of several folders needs a folder of its own: --out DIR")),
    };
    let stores = args.dirs.iter().map(|dir| Store::open(dir)).collect::<Result<Vec<Store>>>()?;
    let stores: Vec<&Store> = stores.iter().collect();
    let view = experiment::view(&stores, Compare::FewOnly, args.anchor.clone())?;
    for path in report::write(out, &view)? {
        print(&format!("{}\n", path.display()))?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn args(dirs: &[&Path]) -> Args {
        Args { dirs: dirs.iter().map(|d| d.to_path_buf()).collect(), out: None, anchor: None }
    }

    #[test]
    fn a_folder_without_results_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(&args(&[folder.path()])).unwrap_err();
        assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn several_folders_need_a_place() {
        let error = run(&args(&[Path::new("a"), Path::new("b")])).unwrap_err();
        assert!(error.to_string().contains("--out"), "{error}");
    }
}
