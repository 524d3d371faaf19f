"""The examples in the docs: a page for each kind of head and for each format. The tests read every one of them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeadExample:
    """``tasks`` and ``data`` of a recipe, rows of its ``rows.jsonl``, and what ``predict`` answers."""

    what: str
    tasks: str
    data: str
    rows: str
    answer: str


@dataclass(frozen=True, slots=True)
class FormatExample:
    """Files by name, the data set's settings, and what is particular about the format."""

    files: Mapping[str, str]
    data: str
    what: str


_PLAIN = "{format: jsonl, train: rows.jsonl, validation: 0.2, tasks: {%s: {}}}"
_PAIR = "{format: jsonl, text: left, text_pair: right, train: rows.jsonl, validation: 0.2, tasks: {%s: {}}}"

HEADS: Mapping[str, HeadExample] = {
    "classification": HeadExample(
        "One label out of several for each text: topics, sentiments, intents. With `pair: true` for each pair of texts"
        " (does one follow from the other? do they ask the same?), read as (u, v, |u − v|). The answer has every label"
        " with its probability, the logits' softmax by the head's temperature.",
        "topic: {kind: classification}",
        _PLAIN % "topic",
        '{"text": "The ferry leaves at nine.", "topic": "travel"}\n{"text": "Parliament votes today.", "topic": "politics"}\n',
        '{"label": "travel", "score": 0.97, "scores": [{"label": "travel", "score": 0.97}, …]}',
    ),
    "multilabel": HeadExample(
        "Any number of labels for each text, each decided by itself (sigmoid). After training each label gets the"
        " threshold that has the best F1 on validation data, pulled towards the common best one where the label has few"
        " rows; it is stored with the head. `average_precision` is the mean"
        " over the labels that occur, and needs no threshold.",
        "marks: {kind: multilabel}",
        _PLAIN % "marks",
        '{"text": "The box was late and torn.", "marks": ["late", "damaged"]}\n{"text": "All fine, thanks.", "marks": []}\n',
        '{"labels": ["late"], "scores": [{"label": "late", "score": 0.91}, {"label": "damaged", "score": 0.34}]}',
    ),
    "regression": HeadExample(
        "One number in a stated range for each text (or pair: `pair: true`). The head learns the share of the range by"
        " squared error; answers never leave the range.",
        "stars: {kind: regression, range: [1, 5]}",
        _PLAIN % "stars",
        '{"text": "Never again.", "stars": 1}\n{"text": "The best soup in town.", "stars": 4.5}\n',
        '{"value": 4.2}',
    ),
    "similarity": HeadExample(
        "How alike two texts are: the cosine of their embeddings. The head has no weights: people's scores teach the"
        " encoder itself, by CoSENT (a ranking over the batch, so only the order of the scores matters) or by the mean"
        " squared error of the cosine. The answer is the cosine, not a score in the range.",
        "alike: {kind: similarity, range: [0, 5]}",
        _PAIR % "alike",
        '{"left": "A dog runs.", "right": "A dog is running.", "alike": 4.8}\n'
        '{"left": "A dog runs.", "right": "Stocks fell.", "alike": 0}\n',
        '{"score": 0.93}',
    ),
    "pairs": HeadExample(
        "Texts that belong together, such as questions and their answers: each anchor must find its own positive among"
        " all positives and negatives of the batch (multiple-negatives ranking). The larger the batch, the harder and the"
        " better: `mini_batch_size` lets batches of any size fit into memory, and `batch_size` of the data set sets it."
        " Metrics rank each anchor's positive among all texts of the split. There are no labels: the texts are all.",
        "answers: {kind: pairs, mini_batch_size: 64}",
        "{format: jsonl, text: question, text_pair: [answer, wrong], train: rows.jsonl, validation: 0.2, batch_size: 1024,\n"
        "         tasks: {answers: {}}}",
        '{"question": "When does it open?", "answer": "At nine.", "wrong": ["In Oslo."]}\n'
        '{"question": "Where is it?", "answer": "Behind the mill.", "wrong": []}\n',
        '{"score": 0.81}',
    ),
    "tagging": HeadExample(
        "Entities in a text: one tag a word, decoded so that no invalid sequence can come out, with offsets into the"
        " original text. A tag's score is the softmax of its word's logits by the head's temperature (with `crf: true` its"
        " marginal probability given the whole text); an entity's score is the mean of its words'. `words` names what cuts"
        " raw text: `words` is made for European languages, `characters` serves those without spaces.",
        "entities: {kind: tagging, word_shapes: true}",
        _PLAIN % "entities",
        '{"text": "Ada went to Oslo.", "entities": [{"start": 0, "end": 3, "type": "PERSON"}]}\n'
        '{"text": "Nothing here.", "entities": []}\n',
        '{"entities": [{"entity_group": "PERSON", "score": 0.98, "word": "Ada", "start": 0, "end": 3}], "unseen_words": 0, "cut_words": 0}',
    ),
}

FORMATS: Mapping[str, FormatExample] = {
    "jsonl": FormatExample(
        {"f.jsonl": '{"text": "Ada went.", "topic": "x", "ner": [{"start": 0, "end": 3, "type": "PER"}]}\n'},
        "{format: jsonl, train: f.jsonl, tasks: {topic: {}, ner: {}}}",
        "One JSON object a line; the keys' names are yours to say. `words: FIELD` reads lists of words instead of text.",
    ),
    "json": FormatExample(
        {
            "f.json": '[{"sentence": "Ada went.", "task_A": "x", "task_B": [{"text": "Ada", "type": "PER", "start": 0, "end": 3}]}]\n'
        },
        "{format: json, text: sentence, train: f.json, tasks: {topic: {label: task_A}, ner: {spans: task_B}}}",
        "One list of objects, or an object with one list in it. Spans may also be a mapping from types to spans.",
    ),
    "csv": FormatExample(
        {"f.csv": 'title,body,topic\nNews,"It rained, again.",x\n'},
        "{format: csv, text: [title, body], train: f.csv, tasks: {topic: {}}}",
        "With a header, or with `columns` where there is none. Several text columns are joined by a space.",
    ),
    "tsv": FormatExample(
        {"f.tsv": "x\tIt rained.\n"},
        "{format: tsv, columns: [topic, text], train: f.tsv, tasks: {topic: {}}}",
        "As csv, parted by tabs; quotation marks are nothing special.",
    ),
    "conll": FormatExample(
        {"f.conll": "Ada\tB-PER\nwent\tO\n\nHi\tO\n"},
        "{format: conll, train: f.conll, tasks: {ner: {column: 1}}}",
        "A word a line, a blank line between sentences, `-DOCSTART-` lines passed over. IOB1, IOB2, BIOES and BILOU are"
        " told apart, types without prefixes are `io`.",
    ),
    "text": FormatExample(
        {"f.txt": "wake me at [time : five am]\n"},
        "{format: text, markup: text, train: f.txt, tasks: {ner: {}}}",
        "A text a line, without labels: for pictures, or as unlabelled text beside other data sets, from which nothing is"
        " learned. With `markup: text` entities stand in brackets.",
    ),
    "parquet": FormatExample(
        {}, "{format: parquet, train: f.parquet, tasks: {topic: {}}}", "A row's columns, as in jsonl."
    ),
    "arrow": FormatExample(
        {},
        "{format: arrow, train: f.arrow, tasks: {topic: {}}}",
        "Arrow's stream form or its file form; columns as in jsonl.",
    ),
    "datasets": FormatExample(
        {},
        "{format: datasets, words: tokens, train: someone/names, tasks: {ner: {tags: ner_tags}}}",
        "A split's folder that `save_to_disk` wrote or, where no such folder is found, a name on the Hub with its `split`"
        " and `config` (`pip install 'polyhead[datasets]'`). Class ids become the names of their features.",
    ),
    "doccano": FormatExample(
        {"f.jsonl": '{"text": "Ada went.", "label": [[0, 3, "PER"]]}\n'},
        "{format: doccano, train: f.jsonl, tasks: {ner: {}}}",
        "`label`, `labels` or `entities`; spans as lists or objects, or classes.",
    ),
    "prodigy": FormatExample(
        {"f.jsonl": '{"text": "Ada went.", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}\n'},
        "{format: prodigy, train: f.jsonl, tasks: {ner: {}}}",
        "`spans`, `label`, or `accept` of options. Rows whose answer is not accept are left out and counted.",
    ),
    "spacy": FormatExample(
        {"f.json": '[["Ada went.", {"entities": [[0, 3, "PER"]], "cats": {"x": 1}}]]\n'},
        "{format: spacy, train: f.json, tasks: {ner: {}, topic: {}}}",
        "spaCy's simple training form as JSON: pairs of a text and its annotations.",
    ),
    "label-studio": FormatExample(
        {
            "f.json": '[{"data": {"text": "Ada went."}, "annotations": [{"result": [{"value": {"start": 0, "end": 3, "labels": ["PER"]}}]}]}]\n'
        },
        "{format: label-studio, train: f.json, tasks: {ner: {}}}",
        "Its JSON export. `labels` are spans, `choices` classes, of the first annotation that was not cancelled.",
    ),
    "gliner": FormatExample(
        {"f.json": '[{"tokenized_text": ["Ada", "went"], "ner": [[0, 0, "PER"]]}]\n'},
        "{format: gliner, train: f.json, tasks: {ner: {}}}",
        "Words, and spans by the numbers of their first and last word, both inclusive.",
    ),
    "parallel": FormatExample(
        {"f/seq.in": "Ada went\n", "f/seq.out": "B-PER O\n", "f/label": "x\n"},
        "{format: parallel, train: f, tasks: {ner: {tags: tags}, topic: {label: label}}}",
        "A folder with three files whose lines belong together: words, tags, the class.",
    ),
}
