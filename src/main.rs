//! The `codecbench` program: parse, run, exit code.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(codecbench::cli::main())
}
