//! All tests that may share a process: one program to link. Those that start and end processes, or call over sockets, stand beside this
//! folder as programs of their own.

#[path = "../desk/mod.rs"]
mod desk;
mod legible;
mod pages;

mod adaptive;
mod call;
mod chromium;
mod cli;
mod codec_check;
mod codecs;
mod corpora;
mod docs;
mod emodel;
mod fuzz;
mod h26x;
mod imports;
mod json;
mod metrics;
mod netem;
mod neural;
mod opus;
mod path;
mod playout;
mod repair;
mod report;
mod report_codecs;
mod report_video;
mod run;
mod stats;
mod stoi;
mod storage;
mod traces;
mod tracks;
mod video;
mod video_cli;
mod video_codecs;
mod visqol;
mod vmaf;
