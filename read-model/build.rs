//! Migrations are compiled in: a new file among them must build this crate anew.

fn main() {
    // Cargo reads its instructions from here.
    println!("cargo:rerun-if-changed=migrations");
}
