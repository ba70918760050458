//! Recipients, identities and the registry, held against age, ssh-keygen and sops.

mod peers;

#[test]
fn peers_run_in_an_empty_environment() {
    let Some(mut keygen) = peers::command("age-keygen") else { return };
    let made = peers::succeed(&mut keygen);
    assert!(made.starts_with(b"# created: "));
}
