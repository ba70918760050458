//! The fields of `uvars.yaml`, each table written once: the decoder takes these and no others, the schema
//! describes these and no others, and `user set` knows these and no others.

/// The file.
pub(super) const ROOT: &[&str] = &["version", "settings", "hosts", "users", "shared", "install", "rules"];
/// `settings`
pub(super) const SETTINGS: &[&str] = &["password_hash", "recovery_personal", "ssh"];
/// `settings.password_hash`
pub(super) const PASSWORD_HASH: &[&str] = &["kind", "cost", "rounds"];
/// `hosts.NAME`
pub(super) const HOST: &[&str] = &["platform", "tags", "key"];
/// `users.NAME`, in the order in which they are best written.
pub(super) const USER: &[&str] = &[
    "hosts",
    "tags",
    "role",
    "integrated",
    "key",
    "policy",
    "uid",
    "description",
    "group_primary",
    "groups_secondary",
    "home_dir",
    "shell",
    "authorized_keys",
    "password",
    "modules",
    "on",
];
/// `users.NAME.on.HOST`: what of a user may differ on a host.
pub(super) const ACCOUNT: &[&str] = &[
    "role",
    "policy",
    "uid",
    "description",
    "group_primary",
    "groups_secondary",
    "home_dir",
    "shell",
    "authorized_keys",
];
/// `users.NAME.password`
pub(super) const PASSWORD: &[&str] = &["prompt", "share", "keep", "format"];
/// `shared.NAME`
pub(super) const SHARED: &[&str] = &["hosts", "tags", "users", "robots"];
/// `install.NAME`
pub(super) const INSTALL: &[&str] = &["from", "key", "on", "owner", "group", "mode", "phase"];
/// `install.NAME.on`
pub(super) const INSTALL_ON: &[&str] = &["hosts", "tags"];
/// `rules`
pub(super) const RULES: &[&str] = &["keys", "before", "after", "other"];
