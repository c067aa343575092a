//! A thread that ends the process when one frame takes too long, and says which.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::frames::Frame;

/// What is in work, and since when.
pub struct Watch(Arc<Mutex<Option<(Instant, String)>>>);

impl Watch {
    pub fn start(longest: Duration) -> Self {
        let work: Arc<Mutex<Option<(Instant, String)>>> = Arc::default();
        let watched = Arc::clone(&work);
        std::panic::set_hook(Box::new({
            let work = Arc::clone(&work);
            move |panic| {
                let told = work.lock().ok().and_then(|work| work.as_ref().map(|(_, told)| told.clone()));
                println!("{panic}\npanic: {}", told.unwrap_or_default());
                std::process::exit(101);
            }
        }));
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(longest / 10);
                if let Ok(work) = watched.lock()
                    && let Some((since, told)) = work.as_ref()
                    && since.elapsed() > longest
                {
                    println!("hang: {told}");
                    std::process::exit(124);
                }
            }
        });
        Self(work)
    }

    pub fn begins(&self, frame: &Frame) {
        self.set(Some((Instant::now(), frame.told.clone())));
    }

    pub fn ends(&self) {
        self.set(None);
    }

    fn set(&self, work: Option<(Instant, String)>) {
        if let Ok(mut now) = self.0.lock() {
            *now = work;
        }
    }
}

/// The most memory that this process has had, where the system tells.
pub fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    peak.unwrap_or(0) / 1024
}
