//! Modules of a crate as its sources show them: which file needs which, and circles among them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The lines of a source file that are neither comments nor in a test module.
pub(super) struct Source {
    /// Relative to `src`, with forward slashes.
    pub(super) name: String,
    pub(super) lines: Vec<String>,
}

/// The sources of a crate whose `src` this is.
pub(super) fn sources(src: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    gather(src, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file is text");
        let name = path.strip_prefix(src).expect("it was found below");
        let lines = text
            .lines()
            .map(str::trim)
            .take_while(|line| *line != "#[cfg(test)]")
            .filter(|line| !line.starts_with("//"))
            .map(str::to_owned);
        Source {
            name: name.to_string_lossy().replace('\\', "/"),
            lines: lines.collect(),
        }
    };
    paths.into_iter().map(read).collect()
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            gather(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The files of a crate by name, and what each imports.
pub(super) struct Modules<'s>(BTreeMap<&'s str, Vec<Import>>);

/// One path that a file names, and the name under which it is known there.
struct Import {
    path: Vec<String>,
    name: String,
    is_use: bool,
    is_public: bool,
}

impl<'s> Modules<'s> {
    pub(super) fn of(sources: &'s [Source]) -> Self {
        Modules(
            sources
                .iter()
                .filter(|source| !source.name.contains("tests"))
                .filter(|source| !source.name.contains("under_"))
                .map(|source| (source.name.as_str(), imports(source)))
                .collect(),
        )
    }

    /// The file of a module, if it is one of this crate.
    fn file(&self, module: &[String]) -> Option<&'s str> {
        let path = module.join("/");
        let names = match module {
            [] => ["lib.rs".to_owned(), "main.rs".to_owned()],
            _ => [format!("{path}.rs"), format!("{path}/mod.rs")],
        };
        let mut files = self.0.keys();
        files
            .find(|file| names.iter().any(|name| name == **file))
            .copied()
    }

    /// The file in which something is defined that a module names: imports are followed. `None` if it
    /// is another crate's.
    fn defined_in(&self, module: &[String], path: &[String]) -> Option<&'s str> {
        let Some((first, rest)) = path.split_first() else {
            return self.file(module);
        };
        match first.as_str() {
            "crate" => return self.defined_in(&[], rest),
            "super" => return self.defined_in(&module[..module.len() - 1], rest),
            "self" => return self.defined_in(module, rest),
            _ => {}
        }
        let child = [module, std::slice::from_ref(first)].concat();
        if self.file(&child).is_some() {
            return self.defined_in(&child, rest);
        }
        let file = self.file(module)?;
        let mut uses = self.0[file].iter().filter(|import| import.is_use);
        match uses.find(|import| import.name == *first) {
            Some(import) if import.path.first() == Some(first) => None,
            Some(import) => self.defined_in(module, &[&import.path, rest].concat()),
            None => Some(file),
        }
    }

    /// The pairs of a file and another that it needs. A module that only passes on what its children
    /// define does not need them.
    pub(super) fn needs(&self) -> BTreeSet<(&'s str, &'s str)> {
        let mut needs = BTreeSet::new();
        for (file, imports) in &self.0 {
            let module = module_of(file);
            for import in imports {
                let begins = import.path[0].as_str();
                let child = [&module[..], &import.path[..1]].concat();
                let is_ours = ["crate", "super", "self"].contains(&begins)
                    || import.is_use && self.file(&child).is_some();
                let other = match is_ours {
                    true => self.defined_in(&module, &import.path),
                    false => None,
                };
                let is_of_a_child = |other: &str| module_of(other).starts_with(&module);
                needs.extend(
                    other
                        .filter(|other| other != file)
                        .filter(|other| !(import.is_public && is_of_a_child(other)))
                        .map(|other| (*file, other)),
                );
            }
        }
        needs
    }
}

pub(super) fn module_of(file: &str) -> Vec<String> {
    let file = file.trim_end_matches(".rs");
    let file = file.trim_end_matches("mod").trim_end_matches('/');
    let parts = file
        .split('/')
        .filter(|part| !part.is_empty() && *part != "lib" && *part != "main");
    parts.map(str::to_owned).collect()
}

/// Everything that a file names by a path into its own crate.
fn imports(source: &Source) -> Vec<Import> {
    let mut found = Vec::new();
    let mut lines = source.lines.iter().map(String::as_str);
    while let Some(line) = lines.next() {
        let visible = line.split("use ").next().unwrap_or_default();
        let is_use =
            line.contains("use ") && ["", "pub ", "pub(crate) ", "pub(super) "].contains(&visible);
        if !is_use {
            for root in ["crate::", "super::"] {
                for (at, _) in line.match_indices(root) {
                    let is_inside = line[..at]
                        .ends_with(|before: char| before == ':' || before.is_alphanumeric());
                    let path =
                        line[at..].split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                    if let (false, Some(path)) = (is_inside, path.into_iter().next()) {
                        found.push(import(path.trim_end_matches(':'), false, false));
                    }
                }
            }
            continue;
        }
        let mut statement = line[visible.len() + "use ".len()..].to_owned();
        while !statement.ends_with(';') {
            statement.push_str(lines.next().expect("an import ends with a semicolon"));
        }
        for path in expanded(statement.trim_end_matches(';')) {
            found.push(import(&path, true, !visible.is_empty()));
        }
    }
    found
}

fn import(path: &str, is_use: bool, is_public: bool) -> Import {
    let (path, alias) = path.split_once(" as ").unwrap_or((path, ""));
    let mut path: Vec<String> = path
        .split("::")
        .map(|part| part.trim().to_owned())
        .collect();
    if path
        .last()
        .is_some_and(|last| last == "self" && path.len() > 1)
    {
        path.pop();
    }
    let last = path.last().cloned().unwrap_or_default();
    Import {
        name: if alias.is_empty() {
            last
        } else {
            alias.trim().to_owned()
        },
        path,
        is_use,
        is_public,
    }
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((before, list)) = tree.split_once('{') else {
        return vec![tree.trim().to_owned()];
    };
    let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
    let (mut depth, mut one, mut all) = (0, String::new(), Vec::new());
    for c in list.chars().chain([',']) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            let inner = std::mem::take(&mut one);
            if !inner.trim().is_empty() {
                let paths = expanded(inner.trim()).into_iter();
                all.extend(paths.map(|path| format!("{}{path}", before.trim())));
            }
        } else {
            one.push(c);
        }
    }
    all
}

/// A circle, each of which needs the next one.
pub(super) fn circle<'s>(needs: &BTreeSet<(&'s str, &'s str)>) -> Option<Vec<&'s str>> {
    let mut left = needs.clone();
    // A file that needs nothing, or that nothing needs, is in no circle.
    loop {
        let needing: BTreeSet<&str> = left.iter().map(|(one, _)| *one).collect();
        let needed: BTreeSet<&str> = left.iter().map(|(_, other)| *other).collect();
        let before = left.len();
        left.retain(|(one, other)| needed.contains(one) && needing.contains(other));
        if left.len() == before {
            break;
        }
    }
    let mut circle = vec![left.first()?.0];
    loop {
        let last = circle[circle.len() - 1];
        let (_, next) = left.iter().find(|(one, _)| *one == last)?;
        if let Some(begin) = circle.iter().position(|one| one == next) {
            return Some(circle.split_off(begin));
        }
        circle.push(next);
    }
}

/// The folder at the top to which a file belongs, or the file itself where it stands there.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

pub(super) fn circle_of_rooms<'s>(needs: &BTreeSet<(&'s str, &'s str)>) -> Option<Vec<&'s str>> {
    let rooms = needs.iter().map(|(one, other)| (room(one), room(other)));
    circle(&rooms.filter(|(one, other)| one != other).collect())
}
