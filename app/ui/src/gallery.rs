//! Every component in each of its states, for developers of pages.

use crate::*;
use leptos::prelude::*;

/// The gallery page.
#[component]
pub fn Gallery() -> impl IntoView {
    view! {
        <h1 tabindex="-1">"Gallery"</h1>
        {buttons()}
        {displays()}
        {fields()}
        {overlays()}
        {charts()}
    }
}

fn section(title: &'static str, contents: AnyView) -> AnyView {
    view! { <section class="card gallery"><h2>{title}</h2><div class="gallery-row">{contents}</div></section> }.into_any()
}

fn buttons() -> AnyView {
    section(
        "Buttons",
        view! {
            <Button variant=Variant::Primary>"Primary"</Button>
            <Button>"Normal"</Button>
            <Button variant=Variant::Quiet>"Quiet"</Button>
            <Button variant=Variant::Danger>"Danger"</Button>
            <Button disabled=Signal::stored(true)>"Disabled"</Button>
            <Button busy=Signal::stored(true)>"Busy"</Button>
            <Button variant=Variant::Quiet label="Refresh"><Icon name=IconName::Refresh/></Button>
        }
        .into_any(),
    )
}

fn displays() -> AnyView {
    let tones =
        [("Neutral", Tone::Neutral), ("Info", Tone::Info), ("Good", Tone::Good), ("Warning", Tone::Warn), ("Bad", Tone::Bad)];
    section(
        "Displays",
        view! {
            {tones.into_iter().map(|(text, tone)| view! { <Badge tone=tone text=text/> }).collect::<Vec<_>>()}
            <Time at=1_795_510_923_000/>
            <Meter label="Half used" share=0.5 text="1 of 2"/>
            <CodeBlock text="echo hello" label="An example"/>
            <Skeleton lines=3/>
            <EmptyState icon=IconName::Terminal title="Nothing here" text="This says what to do next."/>
            <Notice tone=Tone::Info>"A notice."</Notice>
            <Notice tone=Tone::Warn>"A warning."</Notice>
            <Notice tone=Tone::Bad>"An error."</Notice>
            <KeyValues pairs=vec![("Name", "train".into_any()), ("Owner", "ann@example.org".into_any())]/>
            <Tabs label="Example" tabs=vec![
                Tab { label: "First", href: Signal::stored("#first".into()), here: Signal::stored(true) },
                Tab { label: "Second", href: Signal::stored("#second".into()), here: Signal::stored(false) },
            ]/>
            <Tooltip name="gallery-tip" text="More about it.">
                <button class="button" type="button" aria-describedby="gallery-tip">"With a tooltip"</button>
            </Tooltip>
        }
        .into_any(),
    )
}

fn fields() -> AnyView {
    let text = RwSignal::new(String::from("text"));
    let options = vec![("a".to_owned(), "First".to_owned()), ("b".to_owned(), "Second".to_owned())];
    let listed = Signal::stored(options.clone());
    let chosen = RwSignal::new(String::from("a"));
    let several = RwSignal::new(vec![String::from("b")]);
    section(
        "Fields",
        view! {
            <Field name="gallery-text" label="Text" hint="What it is for."><TextInput name="gallery-text" value=text/></Field>
            <Field name="gallery-wrong" label="With an error" required=true error=Signal::stored(Some("What is allowed.".to_owned()))>
                <TextInput name="gallery-wrong" value=text/>
            </Field>
            <Field name="gallery-secret" label="Password"><PasswordInput name="gallery-secret" value=text/></Field>
            <Field name="gallery-number" label="Number"><NumberInput name="gallery-number" value=RwSignal::new("2".into()) min="0" max="10"/></Field>
            <LimitField name="gallery-limit" label="Limit" limit=Limit::unlimited() max="10" hint="Ticking the box empties it."/>
            <Checkbox name="gallery-one" label="Sent with the form" value=RwSignal::new(false)/>
            <Field name="gallery-area" label="Longer text"><TextArea name="gallery-area" value=text/></Field>
            <Field name="gallery-select" label="One of a list"><Select name="gallery-select" value=chosen options=listed/></Field>
            <RadioGroup name="gallery-radio" label="One of a few" value=chosen options=options/>
            <CheckboxGroup name="gallery-check" label="Any of a few" value=several options=listed/>
            <Switch name="gallery-switch" label="At once" value=RwSignal::new(true)/>
        }
        .into_any(),
    )
}

fn overlays() -> AnyView {
    let open = RwSignal::new(false);
    let toaster = use_toaster();
    let nothing = Callback::new(|()| ());
    let notifications = vec![
        Notification {
            key: "2".into(),
            text: "A folder is being cloned.".into(),
            at: None,
            href: None,
            progress: Some(0.4),
            can_cancel: true,
        },
        Notification {
            key: "1".into(),
            text: "Session train is running.".into(),
            at: Some(1_700_000_000_000),
            href: Some("#session".into()),
            progress: None,
            can_cancel: false,
        },
    ];
    section(
        "Overlays",
        view! {
            <Button on_press=Callback::new(move |()| open.set(true))>"Open a dialog"</Button>
            <Dialog open=open title="A dialog" on_close=Callback::new(move |()| open.set(false))><p>"Its contents."</p></Dialog>
            <Confirm name="gallery-bubble" strength=Strength::Bubble label="Deactivate" question="Deactivate this?" on_confirm=nothing/>
            <Confirm name="gallery-dialog" strength=Strength::Dialog label="Delete" question="Delete this?" on_confirm=nothing/>
            <Confirm name="gallery-typed" strength=Strength::Typed("name".into()) label="Delete for ever" question="Delete this for ever?" on_confirm=nothing/>
            <Menu name="gallery" label="Menu" items=vec![("First".into(), nothing), ("Second".into(), nothing)]/>
            <NotificationList items=Signal::stored(notifications) on_cancel=Callback::new(move |_| toaster.info("Cancelled.")) empty="None yet."/>
            <Button on_press=Callback::new(move |()| toaster.good("It worked."))>"Say something"</Button>
        }
        .into_any(),
    )
}

fn charts() -> AnyView {
    let points: Vec<(i64, f64)> = (0..60).map(|n| (i64::from(n) * 1000, f64::from(n % 13) / 6.5)).collect();
    section(
        "Charts",
        view! { <Sparkline label="Falling and rising" values=Signal::stored(vec![3.0, 2.0, 1.0, 2.5, 4.0])/><TimeChart title="Cores" series=Signal::stored(vec![Series::new("In use", points)]) limit=Signal::stored(Some(2.0)) format=|v| format!("{v:.1}")/> }
            .into_any(),
    )
}
