mod embedded;
mod vectors;

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A temporary folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("sn1-corpus-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (file, text) in files {
            fs::write(path.join(file), text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn article_text(title: &str, n_words: usize) -> String {
    let words = "word ".repeat(n_words);
    format!("---\ntitle: {title}\n---\nAn introduction.\n## History\n{words}\n")
}

#[test]
fn a_context_serialises_in_the_order_of_the_event_log() {
    let context = Corpus::embedded().draw(&mut rng(1)).unwrap();
    let value = serde_json::to_value(&context).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    let want = [
        "title",
        "topic",
        "subtopic",
        "content",
        "internal_links",
        "external_links",
        "source",
        "tags",
        "extra",
        "stats",
    ];
    assert_eq!(keys, want);
    let stats: Vec<&String> = value["stats"].as_object().unwrap().keys().collect();
    assert_eq!(stats, ["fetch_time", "num_tries", "fetch_method", "next_kwargs"]);
    let back: Context = serde_json::from_value(value).unwrap();
    assert_eq!(back, context);
}

#[test]
fn a_seed_draws_the_same_context_each_time() {
    let corpus = Corpus::embedded();
    for seed in 0..20 {
        let draw = || corpus.draw(&mut rng(seed)).unwrap();
        assert_eq!(draw(), draw());
    }
}

#[test]
fn draws_cover_all_articles_and_sections_evenly() {
    let corpus = Corpus::embedded();
    let n_draws = 60 * corpus.articles().len();
    let mut rng = rng(7);
    let mut n_by_title: HashMap<String, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for _ in 0..n_draws {
        let context = corpus.draw(&mut rng).unwrap();
        *n_by_title.entry(context.title.clone()).or_default() += 1;
        seen.insert((context.title, context.subtopic));
    }
    for article in corpus.articles() {
        // The expected count is 60 with deviation 8; this allows five deviations either way.
        let n = n_by_title.get(&article.title).copied().unwrap_or_default();
        assert!((20..=100).contains(&n), "{} drawn {n} times", article.title);
        for section in article.usable_sections(MIN_SECTION_WORDS) {
            let pair = (article.title.clone(), section.heading.clone());
            assert!(seen.contains(&pair), "never drawn: {pair:?}");
        }
    }
}

#[test]
fn a_drawn_context_describes_its_section() {
    let corpus = Corpus::embedded();
    for seed in 0..50 {
        let context = corpus.draw(&mut rng(seed)).unwrap();
        let article =
            corpus.articles().iter().find(|article| article.title == context.title).unwrap();
        assert_eq!(context.extra["url"], article.url);
        assert_eq!(context.extra["page_length"], article.n_words());
        let n_words = context.content.split_whitespace().count();
        assert!(MIN_SECTION_WORDS <= n_words);
        assert_eq!(context.extra["section_length"], n_words);
        assert!(context.internal_links.contains(&context.subtopic));
        assert_eq!(context.stats.num_tries, 1);
        assert_eq!(context.stats.fetch_method, "random");
    }
}

#[test]
fn short_articles_cost_tries_and_then_the_draw() {
    let texts = (0..200).map(|i| {
        let n_words = if i == 0 { 50 } else { 49 };
        let title = format!("Title {i}");
        (PathBuf::from(format!("{i}.md")), article_text(&title, n_words))
    });
    let corpus = Corpus::from_texts(texts).unwrap();
    let mut outcomes = (0..2000).map(|seed| corpus.draw(&mut rng(seed)));
    assert!(outcomes.any(|outcome| outcome.is_ok_and(|context| context.title == "Title 0"
        && 1 < context.stats.num_tries
        && context.stats.num_tries <= MAX_TRIES)));
    assert!(
        outcomes.any(|outcome| matches!(outcome, Err(CorpusError::Exhausted { tries: MAX_TRIES })))
    );
}

#[test]
fn a_folder_is_read_in_order_of_names() {
    let folder = Folder::with(
        "order",
        &[
            ("b.md", &article_text("Beta", 60)),
            ("a.md", &article_text("Alpha", 60)),
            ("notes.txt", "not an article"),
        ],
    );
    let corpus = Corpus::from_folder(&folder.0).unwrap();
    let titles: Vec<&str> = corpus.articles().iter().map(|a| a.title.as_str()).collect();
    assert_eq!(titles, ["Alpha", "Beta"]);
    assert_eq!(corpus.articles()[0].url, "corpus:a");
}

#[test]
fn a_malformed_file_is_named_with_its_line() {
    let text = "---\ntitle: A\n---\nIntroduction.\n#### Too deep\n";
    let folder = Folder::with("malformed", &[("broken.md", text)]);
    let error = Corpus::from_folder(&folder.0).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("broken.md"), "{message}");
    assert!(message.contains("line 5"), "{message}");
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("## heading"), "{cause}");
}

#[test]
fn unfit_folders_are_refused() {
    let missing = Path::new("no-such-folder-of-articles");
    let read = Corpus::from_folder(missing).unwrap_err();
    assert!(matches!(read, CorpusError::Read { path, .. } if path == missing));

    let empty = Folder::with("empty", &[]);
    let nothing = Corpus::from_folder(&empty.0).unwrap_err();
    assert!(matches!(nothing, CorpusError::NothingToDraw { n_articles: 0 }));

    let short = Folder::with("short", &[("a.md", &article_text("A", 49))]);
    let nothing = Corpus::from_folder(&short.0).unwrap_err();
    assert!(matches!(nothing, CorpusError::NothingToDraw { n_articles: 1 }));

    let text = article_text("A", 60);
    let twice = Folder::with("twice", &[("a.md", &text), ("b.md", &text)]);
    let error = Corpus::from_folder(&twice.0).unwrap_err();
    assert!(
        matches!(error, CorpusError::DuplicateTitle { file, title } if file.ends_with("b.md") && title == "A")
    );
}

#[test]
fn a_file_of_another_encoding_is_a_read_error() {
    let folder = Folder::with("encoding", &[]);
    fs::write(folder.0.join("latin.md"), [b'-', 0xe9, b'\n']).unwrap();
    let error = Corpus::from_folder(&folder.0).unwrap_err();
    assert!(matches!(error, CorpusError::Read { path, .. } if path.ends_with("latin.md")));
}
