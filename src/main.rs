//! The `codecbench` program: parse, run, exit code.

fn main() -> std::process::ExitCode {
    codecbench::cli::main().into()
}
