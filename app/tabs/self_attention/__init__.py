"""The tab of self-attention: a sentence that attends to itself, at random and in trained models, positions, cost."""

from app.topics import Shot, Topic

TOPIC = Topic(
    name="self_attention",
    title="Self-attention & positions",
    group="Foundations",
    order=4,
    icon="self",
    tab="app.tabs.self_attention.tab:SelfAttentionTab",
    pages=(
        "app.tabs.self_attention.sentence.page:SentencePage",
        "app.tabs.self_attention.heads.page:HeadsPage",
        "app.tabs.self_attention.in_numbers.page:InNumbersPage",
        "app.tabs.self_attention.similarity.page:SimilarityPage",
        "app.tabs.self_attention.words.page:WordsPage",
        "app.tabs.self_attention.ablation.page:AblationPage",
        "app.tabs.self_attention.positions.page:PositionsPage",
        "app.tabs.self_attention.cost.page:CostPage",
    ),
    tagline="a sentence that attends to itself",
    about=(
        "Your own sentence, three kinds of positions, what shuffling does, and what attention costs. Trained language "
        "models on your own sentences (MiniLM without a network; BERT, DistilBERT and GPT-2 from the hub): every head "
        "as links, as a map and in numbers, with temperature and heads that change the model; the similarity of two "
        "sentences with words hidden, shuffled or negated, what it hangs on, put to the test by deletion; a masked "
        "word, or the next ones as they are drawn; what each head is worth."
    ),
    shots=(Shot("every head of a trained model, and what the similarity of two sentences hangs on", light=2, dark=4),),
)
