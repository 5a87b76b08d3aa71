//! `codecbench man`: a manual page per verb.

use super::output::print;
use crate::error::{Error, Result};
use clap_mangen::Man;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  codecbench man | man -l -
  codecbench man ~/.local/share/man/man1     then: man codecbench-run")]
pub struct Args {
    /// Write codecbench.1, codecbench-run.1 and so on into this folder; without it the main page goes to stdout
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the main page of `command`, or the paths of all pages that it wrote.
///
/// # Errors
/// A page cannot be written.
pub fn run(args: &Args, command: clap::Command) -> Result<()> {
    // The pages of one version are equal, wherever it was built.
    let mut command = command.long_version(None).disable_help_subcommand(true);
    command.build();
    match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(|e| Error::output(dir, e))?;
            pages(&command, dir)
        }
        None => {
            let mut text = Vec::new();
            page(&command).render(&mut text).map_err(|e| Error::output("stdout", e))?;
            print(&String::from_utf8_lossy(&text))
        }
    }
}

/// The page of a command, then those of its verbs.
fn pages(command: &clap::Command, dir: &Path) -> Result<()> {
    let page = page(command);
    let path = page.generate_to(dir).map_err(|e| Error::output(dir.join(page.get_filename()), e))?;
    print(&format!("{}\n", path.display()))?;
    command.get_subcommands().try_for_each(|verb| pages(verb, dir))
}

fn page(command: &clap::Command) -> Man {
    Man::new(command.clone()).source(concat!("codecbench ", env!("CARGO_PKG_VERSION")))
}
