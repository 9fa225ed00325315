//! tshark's PDML as a tree, and the frames of AMQP in it. An element is one line; those inside it follow.

/// An element: `showname` is for readers, `show` the value where it has one, `value` its bytes in hexadecimal.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub showname: String,
    pub show: String,
    pub value: String,
    pub children: Vec<Element>,
}

/// What kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Class and method.
    Method(u64, u64),
    Header,
    Body(u64),
    /// The protocol header, or a heartbeat.
    Other,
}

/// A frame.
#[derive(Debug)]
pub struct Frame {
    /// The client's port.
    pub client: u16,
    pub from_client: bool,
    pub channel: u16,
    pub type_: Type,
    pub fields: Element,
}

/// Every frame, in the order of the packets that ended them.
pub fn frames(pdml: &str, proxy: u16) -> Vec<Frame> {
    assert!(!pdml.contains("_ws.malformed"), "tshark finds frames that are not well formed");
    let mut frames = Vec::new();
    let mut ports = (0, 0);
    let mut open: Vec<Element> = Vec::new();
    for line in pdml.lines().map(str::trim) {
        if line.starts_with("</proto>") || line.starts_with("</field>") {
            let element = open.pop().unwrap();
            match open.last_mut() {
                Some(outer) => outer.children.push(element),
                None if element.name == "tcp" => ports = read_ports(&element.showname),
                None if element.name == "amqp" => frames.push(Frame::new(element, ports, proxy)),
                None => {}
            }
        } else if line.starts_with("<proto ") || line.starts_with("<field ") {
            let element = Element::read(line);
            if !line.ends_with("/>") {
                open.push(element);
            } else if let Some(outer) = open.last_mut() {
                outer.children.push(element);
            }
        }
    }
    assert!(open.is_empty(), "tshark's output is cut off");
    frames
}

/// Of `…, Src Port: 52528, Dst Port: 31180, …`.
fn read_ports(showname: &str) -> (u16, u16) {
    let port = |name: &str| showname.split(name).nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    (port("Src Port: "), port("Dst Port: "))
}

impl Frame {
    fn new(fields: Element, (from, to): (u16, u16), proxy: u16) -> Frame {
        assert_eq!(u32::from(from == proxy) + u32::from(to == proxy), 1, "{from} to {to} is not the proxy's");
        let type_ = match fields.find("amqp.type").map(|_| fields.number("amqp.type")) {
            Some(1) => Type::Method(fields.number("amqp.method.class"), fields.number("amqp.method.method")),
            Some(2) => Type::Header,
            Some(3) => Type::Body(fields.number("amqp.length")),
            _ => Type::Other,
        };
        let channel = fields.find("amqp.channel").map_or(0, |channel| channel.show.parse().unwrap());
        let from_client = to == proxy;
        Frame { client: if from_client { from } else { to }, from_client, channel, type_, fields }
    }

    /// An argument of the method.
    pub fn text(&self, argument: &str) -> String {
        self.argument(argument).show.clone()
    }

    pub fn number(&self, argument: &str) -> u64 {
        let shown = &self.argument(argument).show;
        shown.parse().unwrap_or_else(|_| panic!("{argument} is {shown:?}"))
    }

    pub fn flag(&self, argument: &str) -> bool {
        match self.argument(argument).show.as_str() {
            "1" | "True" => true,
            "0" | "False" => false,
            other => panic!("{argument} is {other:?}"),
        }
    }

    fn argument(&self, name: &str) -> &Element {
        let name = format!("amqp.method.arguments.{name}");
        self.fields.find(&name).unwrap_or_else(|| panic!("no {name} in {:?}", self.fields))
    }
}

impl Element {
    fn read(line: &str) -> Element {
        let attribute = |name: &str| {
            let from = line.find(&format!(" {name}=\""))? + name.len() + 3;
            Some(unescaped(line[from..].split('"').next()?))
        };
        let text = |name: &str| attribute(name).unwrap_or_default();
        let (name, showname, show, value) = (text("name"), text("showname"), text("show"), text("value"));
        Element { name, showname, show, value, children: Vec::new() }
    }

    /// The first element of the name, however deep.
    pub fn find(&self, name: &str) -> Option<&Element> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    pub fn number(&self, name: &str) -> u64 {
        let found = self.find(name).unwrap_or_else(|| panic!("no {name} in {self:?}"));
        found.show.parse().unwrap_or_else(|_| panic!("{name} is {:?}", found.show))
    }
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}
