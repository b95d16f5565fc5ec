//! The functions, enums and public structs of a source file, read as tokens.
//!
//! Not as syntax: the tests of `proptest!` stand in a macro, where a parser of Rust sees tokens too.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A token, with groups flattened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Name(String),
    Sign(char),
    /// As it is written, with its quotes.
    Literal(String),
    Opens(Delimiter),
    Closes(Delimiter),
}

/// A function with what is nested in it, or a macro, whose name ends with `!`.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Without comments; documentation is an attribute and a literal in it.
    attributes: Vec<Vec<Word>>,
    pub(crate) body: Vec<Word>,
    /// In a module that is compiled for tests alone.
    pub(crate) is_for_tests: bool,
}

impl Function {
    /// True if it is a test, of any test harness.
    pub(crate) fn is_test(&self) -> bool {
        self.attributes.iter().any(|attribute| {
            let path = attribute.iter().take_while(|word| !is_opening(word));
            path.last().is_some_and(|word| is_name(word, "test"))
        })
    }

    /// True if an attribute has this word, wherever it stands in it.
    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        let mut words = self.attributes.iter().flatten();
        words.any(|word| is_name(word, name))
    }

    /// True if it can fail by an assertion or a panic of its own.
    pub(crate) fn asserts(&self) -> bool {
        self.body.windows(2).any(|pair| {
            let [Word::Name(name), Word::Sign('!')] = pair else {
                return false;
            };
            let macros = [
                "assert",
                "prop_assert",
                "debug_assert",
                "panic",
                "unreachable",
            ];
            name == "proptest" || macros.iter().any(|known| name.starts_with(known))
        })
    }

    /// True if it can fail because something is not there or an error.
    pub(crate) fn expects(&self) -> bool {
        let is_called = self.body.windows(3).any(|words| {
            let [
                Word::Sign('.'),
                Word::Name(name),
                Word::Opens(Delimiter::Parenthesis),
            ] = words
            else {
                return false;
            };
            ["unwrap", "expect", "unwrap_err", "expect_err"].contains(&name.as_str())
        });
        is_called || self.body.contains(&Word::Sign('?'))
    }

    /// The names of the functions that it calls, and those of macros, with their `!`.
    pub(crate) fn calls(&self) -> impl Iterator<Item = String> {
        use Word::{Name, Opens, Sign};
        (0..self.body.len()).filter_map(|at| match &self.body[at..] {
            [Name(name), Opens(Delimiter::Parenthesis), ..]
            | [Name(name), Sign(':'), Sign(':'), Sign('<'), ..] => Some(name.clone()),
            [Name(name), Sign('!'), Opens(_), ..] => Some(format!("{name}!")),
            _ => None,
        })
    }
}

/// An enum and its variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) variants: Vec<String>,
}

pub(crate) fn tokens(text: &str) -> TokenStream {
    text.parse().expect("a source file is made of tokens")
}

pub(crate) fn words(tokens: TokenStream) -> Vec<Word> {
    let mut words = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) => words.push(Word::Name(name.to_string())),
            TokenTree::Punct(sign) => words.push(Word::Sign(sign.as_char())),
            TokenTree::Literal(literal) => words.push(Word::Literal(literal.to_string())),
            TokenTree::Group(group) => {
                words.push(Word::Opens(group.delimiter()));
                words.extend(self::words(group.stream()));
                words.push(Word::Closes(group.delimiter()));
            }
        }
    }
    words
}

fn is_name(word: &Word, name: &str) -> bool {
    matches!(word, Word::Name(other) if other == name)
}

fn is_opening(word: &Word) -> bool {
    matches!(word, Word::Opens(_))
}

/// Every function, wherever it stands; `is_for_tests` where the whole file is.
pub(crate) fn functions(tokens: TokenStream, is_for_tests: bool) -> Vec<Function> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut attributes: Vec<Vec<Word>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [TokenTree::Punct(sign), TokenTree::Group(group), ..]
                if sign.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                attributes.push(words(group.stream()));
                at += 1;
            }
            [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "fn" => {
                let end = tokens[at..].iter().position(ends_a_function);
                at += end.unwrap_or(tokens.len() - at - 1);
                let attributes = std::mem::take(&mut attributes);
                if let TokenTree::Group(body) = &tokens[at] {
                    found.push(Function {
                        name: name.to_string(),
                        attributes,
                        body: words(body.stream()),
                        is_for_tests,
                    });
                    found.extend(functions(body.stream(), is_for_tests));
                }
            }
            [
                TokenTree::Ident(word),
                TokenTree::Punct(_),
                TokenTree::Ident(name),
                TokenTree::Group(body),
                ..,
            ] if word == "macro_rules" => {
                found.push(Function {
                    name: format!("{name}!"),
                    attributes: std::mem::take(&mut attributes),
                    body: words(body.stream()),
                    is_for_tests,
                });
                at += 2;
            }
            [TokenTree::Group(group), ..] => {
                let is_for_tests =
                    is_for_tests || attributes.iter().any(|words| is_cfg_test(words));
                found.extend(functions(group.stream(), is_for_tests));
                if group.delimiter() == Delimiter::Brace {
                    attributes.clear();
                }
            }
            [TokenTree::Punct(sign), ..] if [';', ','].contains(&sign.as_char()) => {
                attributes.clear();
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_cfg_test(attribute: &[Word]) -> bool {
    let mut words = attribute.iter();
    words.next().is_some_and(|word| is_name(word, "cfg")) && words.any(|word| is_name(word, "test"))
}

fn ends_a_function(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(sign) => sign.as_char() == ';',
        _ => false,
    }
}

/// Every enum that stands at the top of a file and in no macro.
pub(crate) fn enums(tokens: TokenStream) -> Vec<Enum> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let enums = tokens.windows(3).filter_map(|three| match three {
        [
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Group(body),
        ] if word == "enum" => Some(Enum {
            name: name.to_string(),
            variants: variants(body.stream()),
        }),
        _ => None,
    });
    enums.collect()
}

/// The enums that `seeded_bugs!` makes in a file.
pub(crate) fn enums_of_seeded_bugs(tokens: TokenStream) -> Vec<Enum> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let bodies = tokens.windows(3).filter_map(|three| match three {
        [
            TokenTree::Ident(word),
            TokenTree::Punct(_),
            TokenTree::Group(body),
        ] if word == "seeded_bugs" => Some(body.stream()),
        _ => None,
    });
    bodies.filter_map(enum_of_seeded_bugs).collect()
}

fn enum_of_seeded_bugs(body: TokenStream) -> Option<Enum> {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let name = tokens.windows(2).find_map(|pair| match pair {
        [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "enum" => {
            Some(name.to_string())
        }
        _ => None,
    })?;
    let Some(TokenTree::Group(lines)) = tokens.last() else {
        return None;
    };
    Some(Enum {
        name,
        variants: first_names(lines.stream(), ';'),
    })
}

/// Every word within a `cfg`, be it an attribute or a macro.
pub(crate) fn words_of_cfg(tokens: TokenStream) -> Vec<String> {
    let words = self::words(tokens);
    let mut found = Vec::new();
    for at in 0..words.len() {
        let is_cfg = is_name(&words[at], "cfg");
        let rest = &words[at + 1..];
        let inner = match rest {
            [Word::Sign('!'), Word::Opens(_), inner @ ..] | [Word::Opens(_), inner @ ..] => inner,
            _ => continue,
        };
        if !is_cfg {
            continue;
        }
        let mut depth = 1;
        for word in inner {
            match word {
                Word::Opens(_) => depth += 1,
                Word::Closes(_) => depth -= 1,
                Word::Name(name) => found.push(name.clone()),
                Word::Literal(text) => found.push(text.clone()),
                Word::Sign(_) => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// The names of the structs that are public to all.
pub(crate) fn public_structs(tokens: TokenStream) -> Vec<String> {
    let words: Vec<Word> = self::words(tokens);
    let structs = words.windows(3).filter_map(|three| match three {
        [one, other, Word::Name(name)] if is_name(one, "pub") && is_name(other, "struct") => {
            Some(name.clone())
        }
        _ => None,
    });
    structs.collect()
}

fn variants(body: TokenStream) -> Vec<String> {
    first_names(body, ',')
}

/// First names between two of these signs, behind their attributes.
fn first_names(body: TokenStream, sign: char) -> Vec<String> {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let ends =
        |token: &TokenTree| matches!(token, TokenTree::Punct(other) if other.as_char() == sign);
    let first = tokens.split(ends).filter_map(|one| {
        one.iter().find_map(|token| match token {
            TokenTree::Ident(name) => Some(name.to_string()),
            _ => None,
        })
    });
    first.collect()
}
